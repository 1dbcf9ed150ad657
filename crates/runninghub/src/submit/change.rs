//! Fields that are changed before a run.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{Error, Workflow, workflow::Override};

/// Changes as they were asked for.
#[derive(Default)]
pub(crate) struct Changes(Vec<Change>);

struct Change {
    node: String,
    field: String,
    value: NewValue,
}

enum NewValue {
    Json(Value),
    File(PathBuf),
}

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
                NewValue::File(path) if path.is_file() => Value::String(String::new()),
                NewValue::File(path) => {
                    return Err(Error::usage(format!("there is no file {}", path.display())));
                }
            };
            workflow.check(&change.node, &change.field, value)
        };
        self.0.iter().map(one).collect()
    }

    /// The files, each with the value that its name becomes.
    pub(crate) fn files<'a>(
        &'a self,
        checked: &'a mut [Override],
    ) -> impl Iterator<Item = (&'a Path, &'a mut Value)> {
        self.0.iter().zip(checked).filter_map(|(change, checked)| match &change.value {
            NewValue::File(path) => Some((path.as_path(), &mut checked.value)),
            NewValue::Json(_) => None,
        })
    }
}
