//! What can be checked before anything is paid.

use std::path::Path;

use serde_json::Value;

use crate::{Error, Workflow};

/// A file has to be there before others are uploaded.
pub(super) fn file(path: &Path) -> Result<(), Error> {
    if path.is_file() { Ok(()) } else { Err(Error::usage(format!("there is no file {}", path.display()))) }
}

/// A raw list for an app: what the app knows is for the platform to say.
pub(super) fn entries(list: &[Value]) -> Result<(), Error> {
    let is_whole = |entry: &&Value| {
        matches!(entry.get("nodeId"), Some(Value::String(_) | Value::Number(_)))
            && entry.get("fieldName").is_some_and(Value::is_string)
            && entry.get("fieldValue").is_some()
    };
    if list.iter().all(|entry| is_whole(&entry)) {
        return Ok(());
    }
    Err(Error::usage("an entry of the nodeInfoList is not complete").with_hint(SHAPE))
}

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
