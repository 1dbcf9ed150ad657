//! JSON Schema for types that serialize as a plain string.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::{NodeId, PromptId, TaskId, Untrusted, WebappId, WorkflowId};

macro_rules! strings {
    ($($name:ident),*) => {$(
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                String::schema_name()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                String::json_schema(generator)
            }
        }
    )*};
}

strings!(NodeId, PromptId, TaskId, Untrusted, WebappId, WorkflowId);
