//! Fields that are changed before a run.

use std::path::{Path, PathBuf};

use runninghub_core::Node;
use serde_json::Value;

use super::terms::NewValue;
use crate::{Error, Workflow, workflow::Override};

/// Changes as they were asked for.
#[derive(Default)]
pub(crate) struct Changes(Vec<Change>);

/// Changes that can be made, and the files behind some.
pub(crate) struct Checked(Vec<(Override, Option<PathBuf>)>);

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

    /// All changes, checked; those to files by `file`, those to values by `value` too. Of several changes to one field the last
    /// one counts.
    pub(crate) fn check(
        &self,
        workflow: &Workflow,
        file: impl Fn(&Node, &Path) -> Result<(), Error>,
        value: impl Fn(&Node, &Value) -> Result<(), Error>,
    ) -> Result<Checked, Error> {
        let mut checked = Checked(Vec::new());
        for change in &self.0 {
            let node = workflow.find(&change.node)?;
            // A file has no name yet.
            let (new, path) = match &change.value {
                NewValue::Json(new) => (new.clone(), None),
                NewValue::File(path) => (Value::String(String::new()), Some(path.clone())),
            };
            let change = workflow.check(&change.node, &change.field, new)?;
            match &path {
                Some(path) => file(node, path)?,
                None => value(node, &change.value)?,
            }
            checked.0.retain(|(before, _)| (&before.node, &before.field) != (&change.node, &change.field));
            checked.0.push((change, path));
        }
        Ok(checked)
    }
}

impl Checked {
    /// Uploads the files and puts their names into the changes.
    pub(crate) async fn upload<F>(self, upload: impl Fn(PathBuf) -> F) -> Result<Vec<Override>, Error>
    where
        F: Future<Output = Result<String, Error>>,
    {
        let mut changes = Vec::new();
        for (mut change, path) in self.0 {
            if let Some(path) = path {
                change.value = Value::String(upload(path).await?);
            }
            changes.push(change);
        }
        Ok(changes)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::submit::check;

    fn workflow() -> Workflow {
        let graph = json!({
            "1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
            "2": {"class_type": "LoadVideo", "inputs": {"file": "a.mp4"}},
            "3": {"class_type": "KSampler", "inputs": {"steps": 4, "note": "x"}},
        });
        Workflow::parse(graph.to_string()).expect("a workflow")
    }

    #[test]
    fn of_two_changes_to_a_field_the_last_one_counts() {
        let mut changes = Changes::default();
        changes.set("3".into(), "steps".into(), json!(5));
        changes.set("3".into(), "note".into(), json!("y"));
        changes.set("KSampler".into(), "steps".into(), json!(6));
        let Checked(checked) = changes.check(&workflow(), check::upload_to, check::value_of).expect("good");
        let told: Vec<_> = checked.iter().map(|(one, _)| (&*one.field, one.value.clone())).collect();
        assert_eq!(told, [("note", json!("y")), ("steps", json!(6))]);
    }

    #[test]
    fn loaders_take_their_own_kind_of_file_and_no_address() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = |name: &str, content: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, content).expect("written");
            path
        };
        let check = |node: &str, field: &str, value: NewValue| {
            let changes = Changes(vec![Change { node: node.into(), field: field.into(), value }]);
            changes.check(&workflow(), check::upload_to, check::value_of).map(drop)
        };
        let (png, mp4, empty) = (file("a.PNG", "x"), file("a.mp4", "x"), file("e.png", ""));
        check("1", "image", NewValue::File(png.clone())).expect("a picture");
        check("2", "file", NewValue::File(mp4.clone())).expect("a video");
        check("3", "note", NewValue::File(mp4.clone())).expect("who knows");
        check("1", "image", NewValue::Json(json!("api/ab.png"))).expect("a name");
        check("3", "note", NewValue::Json(json!("https://h/a.png"))).expect("who knows");
        for (node, field, value, told) in [
            ("1", "image", NewValue::File(mp4), "takes no"),
            ("2", "file", NewValue::File(png), "takes no"),
            ("1", "image", NewValue::File(empty), "cannot upload"),
            ("1", "image", NewValue::File(dir.path().join("none.png")), "there is no file"),
            ("1", "image", NewValue::Json(json!("https://h/a.png?sign=1")), "not an address"),
        ] {
            let error = check(node, field, value).expect_err(told);
            assert!(error.to_string().contains(told), "{error}");
        }
    }
}
