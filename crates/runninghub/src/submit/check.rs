//! Checks that need no paid request.

use std::path::Path;

use runninghub_api::UploadSource;
use runninghub_core::{Fact, Sentence, say};
use serde_json::Value;

use crate::{Error, Workflow, workflow::Override};

/// Checks that a file exists, before others are uploaded.
pub(crate) fn file(path: &Path) -> Result<(), Error> {
    if path.is_file() { Ok(()) } else { Err(no_file(path)) }
}

pub(super) fn no_file(path: &Path) -> Error {
    Error::usage(say!("file {path} not found", path = Fact::of(path.display())))
}

/// Checks that a file exists, with a type and a size that the platform accepts.
pub(crate) fn upload(path: &Path) -> Result<(), Error> {
    file(path)?;
    UploadSource::path(path).check().map_err(|error| Error::api(cannot_upload(path), error))
}

/// Whether the file's name has one of these extensions, ignoring case.
pub(crate) fn has_extension(path: &Path, allowed: &[&str]) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    allowed.contains(&extension.as_str())
}

/// The error text for a file.
pub(super) fn cannot_upload(path: &Path) -> Sentence {
    say!("cannot upload {path}", path = Fact::of(path.display()))
}

/// Checks the form of a raw list for an app; the platform checks the rest.
pub(super) fn entries(list: &[Value]) -> Result<(), Error> {
    let is_whole = |entry: &&Value| {
        matches!(entry.get("nodeId"), Some(Value::String(_) | Value::Number(_)))
            && entry.get("fieldName").is_some_and(Value::is_string)
            && entry.get("fieldValue").is_some()
    };
    if list.iter().all(|entry| is_whole(&entry)) {
        return Ok(());
    }
    Err(Error::usage(say!("an entry of the nodeInfoList is not complete")).with_hint(shape()))
}

/// Checks an entry of a raw list for a workflow: its node and field have to exist. The value stays unchanged.
pub(super) fn entry(workflow: &Workflow, entry: &Value) -> Result<Override, Error> {
    let node = match entry.get("nodeId") {
        Some(Value::String(id)) => id.clone(),
        Some(Value::Number(id)) => id.to_string(),
        _ => {
            return Err(Error::usage(say!("an entry of the nodeInfoList has no `nodeId`")).with_hint(shape()));
        }
    };
    let field = entry.get("fieldName").and_then(Value::as_str);
    let (Some(field), Some(value)) = (field, entry.get("fieldValue")) else {
        return Err(Error::usage(say!("the nodeInfoList entry for node `{node}` is not complete", node))
            .with_hint(shape()));
    };
    if workflow.graph().node(&node).is_none() {
        workflow.find(&node)?;
        return Err(Error::usage(say!("`{node}` in the nodeInfoList is a title", node))
            .with_hint(say!("use node ids there")));
    }
    let old = workflow.field(&node, field)?;
    // Values in the list are usually text, whatever the type of the field.
    if !value.is_string() {
        workflow.check(&node, field, value.clone())?;
    }
    Ok(Override { node: node.into(), field: field.to_owned(), value: untexted(old, value) })
}

/// Converts a text value to the type of the value it replaces, if the text parses as that type.
fn untexted(old: &Value, value: &Value) -> Value {
    let Value::String(text) = value else { return value.clone() };
    let same_kind = |read: &Value| match old {
        Value::Number(_) => read.is_number(),
        Value::Bool(_) => read.is_boolean(),
        Value::Array(_) => read.is_array(),
        Value::Object(_) => read.is_object(),
        _ => false,
    };
    // Python writes `True`.
    let text = if old.is_boolean() { text.trim().to_lowercase() } else { text.clone() };
    serde_json::from_str(&text).ok().filter(same_kind).unwrap_or_else(|| value.clone())
}

fn shape() -> Sentence {
    say!("each entry is `{{\"nodeId\": \"6\", \"fieldName\": \"text\", \"fieldValue\": \"…\"}}`")
}
