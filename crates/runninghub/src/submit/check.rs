//! What can be checked before anything is paid.

use serde_json::Value;

use crate::{Error, Workflow};

/// A raw list is sent as it is, but what it names has to exist.
pub(super) fn list(workflow: &Workflow, list: &[Value]) -> Result<(), Error> {
    for entry in list {
        let node = match entry.get("nodeId") {
            Some(Value::String(id)) => id.clone(),
            Some(Value::Number(id)) => id.to_string(),
            _ => return Err(Error::usage("an entry of the nodeInfoList has no `nodeId`").with_hint(SHAPE)),
        };
        let field = entry.get("fieldName").and_then(Value::as_str);
        let (Some(field), Some(value)) = (field, entry.get("fieldValue")) else {
            return Err(Error::usage(format!("the nodeInfoList entry for node `{node}` is not complete"))
                .with_hint(SHAPE));
        };
        if workflow.graph().node(&node).is_none() {
            workflow.find(&node)?;
            return Err(Error::usage(format!("`{node}` in the nodeInfoList is a title"))
                .with_hint("name nodes by their ids there"));
        }
        // Values in the list are text as a rule, whatever the field holds.
        if !value.is_string() {
            workflow.check(&node, field, value.clone())?;
        } else if let Some(old) = workflow.find(&node)?.inputs.get(field) {
            if runninghub_core::link(old).is_some() {
                workflow.check(&node, field, value.clone())?;
            }
        } else {
            workflow.check(&node, field, value.clone())?;
        }
    }
    Ok(())
}

const SHAPE: &str = "each entry is `{\"nodeId\": \"6\", \"fieldName\": \"text\", \"fieldValue\": \"…\"}`";
