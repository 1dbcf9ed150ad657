//! Fields that are changed before a run.

use std::path::PathBuf;

use serde_json::Value;

use super::{check, terms::NewValue};
use crate::{Error, Workflow, workflow::Override};

/// Changes as they were asked for.
#[derive(Default)]
pub(crate) struct Changes(Vec<Change>);

struct Change {
    node: String,
    field: String,
    value: NewValue,
}

/// The setters of a builder's `changes`.
macro_rules! changes {
    ($builder:ty) => {
        impl $builder {
            /// Changes a field of a node, named by its id or by a title that only it has.
            pub fn set(
                mut self,
                node: impl Into<String>,
                field: impl Into<String>,
                value: impl Into<serde_json::Value>,
            ) -> Self {
                self.changes.set(node.into(), field.into(), value.into());
                self
            }

            /// Uploads a file and puts its name into a field.
            pub fn set_file(
                mut self,
                node: impl Into<String>,
                field: impl Into<String>,
                path: impl Into<std::path::PathBuf>,
            ) -> Self {
                self.changes.set_file(node.into(), field.into(), path.into());
                self
            }
        }
    };
}

pub(crate) use changes;

impl Changes {
    pub(crate) fn set(&mut self, node: String, field: String, value: Value) {
        self.0.push(Change { node, field, value: NewValue::Json(value) });
    }

    pub(crate) fn set_file(&mut self, node: String, field: String, path: PathBuf) {
        self.0.push(Change { node, field, value: NewValue::File(path) });
    }

    /// All changes, checked. Files have no name yet.
    pub(crate) fn check(&self, workflow: &Workflow) -> Result<Vec<Override>, Error> {
        let one = |change: &Change| {
            let value = match &change.value {
                NewValue::Json(value) => value.clone(),
                NewValue::File(path) => {
                    check::file(path)?;
                    Value::String(String::new())
                }
            };
            workflow.check(&change.node, &change.field, value)
        };
        self.0.iter().map(one).collect()
    }

    /// Uploads the files and puts their names into the checked changes.
    pub(crate) async fn upload<F>(
        &self,
        checked: &mut [Override],
        upload: impl Fn(PathBuf) -> F,
    ) -> Result<(), Error>
    where
        F: Future<Output = Result<String, Error>>,
    {
        for (change, checked) in self.0.iter().zip(checked) {
            if let NewValue::File(path) = &change.value {
                checked.value = Value::String(upload(path.clone()).await?);
            }
        }
        Ok(())
    }
}
