//! What can be checked before anything is paid.

use std::path::Path;

use runninghub_api::{FieldKind, UploadSource};
use runninghub_core::Node;
use serde_json::Value;

use crate::{Error, Workflow};

/// A file has to be there before others are uploaded.
pub(crate) fn file(path: &Path) -> Result<(), Error> {
    if path.is_file() { Ok(()) } else { Err(Error::usage(format!("there is no file {}", path.display()))) }
}

/// A file has to be there, and of a kind and a size that the platform takes.
pub(crate) fn upload(path: &Path) -> Result<(), Error> {
    file(path)?;
    UploadSource::path(path).check().map_err(|error| Error::api(&cannot_upload(path), error))
}

/// Whether a file is called as one of these kinds are, in capitals or not.
pub(crate) fn has_extension(path: &Path, allowed: &[&str]) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    allowed.contains(&extension.as_str())
}

/// What is said of a file by its name.
pub(super) fn cannot_upload(path: &Path) -> String {
    format!("cannot upload {}", path.display())
}

/// The nodes that load files, and what they take. Others may take anything.
const LOADERS: [(&str, FieldKind); 4] = [
    ("LoadImage", FieldKind::Image),
    ("LoadImageMask", FieldKind::Image),
    ("LoadAudio", FieldKind::Audio),
    ("LoadVideo", FieldKind::Video),
];

fn loader(node: &Node) -> Option<&'static FieldKind> {
    LOADERS.iter().find(|(class, _)| *class == node.class_type.raw()).map(|(_, kind)| kind)
}

/// The same for a field of a node: those that load files take only their own kind.
pub(super) fn upload_to(node: &Node, path: &Path) -> Result<(), Error> {
    upload(path)?;
    let Some(allowed) = loader(node).map(FieldKind::extensions) else { return Ok(()) };
    if has_extension(path, allowed) {
        return Ok(());
    }
    Err(Error::usage(format!("node `{}` ({}) takes no {}", node.id, node.class_type, path.display()))
        .with_hint(format!("it takes {}", allowed.join(", "))))
}

/// Nodes that load files find them by the name of an upload; with an address the task would be paid for and fail.
pub(super) fn value_of(node: &Node, value: &Value) -> Result<(), Error> {
    if loader(node).is_some() {
        no_address(&format!("node `{}` ({})", node.id, node.class_type), value)
    } else {
        Ok(())
    }
}

/// Refuses an address where the name of an upload is wanted.
pub(crate) fn no_address(place: &str, value: &Value) -> Result<(), Error> {
    let is_address =
        |text: &str| ["http://", "https://"].iter().any(|start| text.trim_start().starts_with(start));
    if !value.as_str().is_some_and(is_address) {
        return Ok(());
    }
    Err(Error::usage(format!("{place} takes the name of an upload, not an address"))
        .with_hint("`@FILE` uploads a file of this machine, and `rhub upload FILE` tells its name; addresses are for models"))
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
