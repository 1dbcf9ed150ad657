//! Changes to fields before a run.

use std::path::{Path, PathBuf};

use runninghub_core::{Node, Sentence, say};
use serde_json::Value;

use super::{check, loader};
use crate::{
    Error, Submit, Workflow,
    workflow::{Override, links, place_of},
};

/// The hint for a file where the field holds text.
pub(super) const USE_TEXT: Sentence = say!("use the text itself instead of a file");

/// The requested changes.
#[derive(Clone, Default)]
pub(crate) struct Changes {
    set: Vec<(String, NewValue)>,
    /// Objects with `nodeId`, `fieldName` and `fieldValue`.
    list: Vec<Value>,
}

/// The new value of a field.
#[derive(Clone)]
pub(crate) enum NewValue {
    Json(Value),
    /// As a user writes it: the field's type decides its meaning.
    Written(String),
    /// Verbatim text. If the field doesn't hold text, it is parsed like [`NewValue::Written`].
    Text(String),
    /// The name or the URL of this file after its upload.
    File(PathBuf),
}

/// Which files the service accepts, and where it looks for them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileRules {
    /// Uploads are limited to the types that RunningHub accepts.
    pub(crate) few_types: bool,
    /// A loader finds uploads only. A ComfyUI on your own machine may see the same paths, and refuses others free of
    /// charge.
    pub(crate) uploads_only: bool,
}

impl FileRules {
    pub(crate) const RUNNINGHUB: Self = Self { few_types: true, uploads_only: true };
    pub(crate) const NATIVE_PROXY: Self = Self { few_types: false, uploads_only: true };
    pub(crate) const COMFYUI: Self = Self { few_types: false, uploads_only: false };

    fn file(self, node: &Node, path: &Path) -> Result<(), Error> {
        if self.few_types { loader::file(node, path) } else { check::file(path) }
    }

    fn value(self, node: &Node, field: &str, value: &Value) -> Result<(), Error> {
        if self.uploads_only { loader::value(node, field, value) } else { Ok(()) }
    }

    /// Checks the files of loaders that aren't changed.
    pub(crate) fn loaders(
        self,
        workflow: &Workflow,
        is_changed: impl Fn(&Node, &str) -> bool,
    ) -> Result<(), Error> {
        if self.uploads_only { loader::graph(workflow, is_changed) } else { Ok(()) }
    }
}

/// Checked changes, and the files that some of them need.
#[derive(Default)]
pub(crate) struct Checked {
    set: Vec<(Override, Option<PathBuf>)>,
    list: Vec<Override>,
    /// Seeds that were drawn.
    drawn: Vec<(String, Override)>,
}

/// Changes with the names of the uploaded files.
pub(crate) struct Changed {
    /// Changes that were set individually.
    pub(crate) set: Vec<Override>,
    /// Changes of the raw list.
    pub(crate) list: Vec<Override>,
}

impl Changes {
    pub(crate) fn set(&mut self, name: String, value: Value) {
        self.set.push((name, NewValue::Json(value)));
    }

    pub(crate) fn set_written(&mut self, name: String, text: String) {
        self.set.push((name, NewValue::Written(text)));
    }

    pub(crate) fn set_text(&mut self, name: String, text: String) {
        self.set.push((name, NewValue::Text(text)));
    }

    pub(crate) fn set_file(&mut self, name: String, path: PathBuf) {
        self.set.push((name, NewValue::File(path)));
    }

    pub(crate) fn node_info_list(&mut self, list: Vec<Value>) {
        self.list.extend(list);
    }

    /// The individually set changes, by name.
    pub(crate) fn named(&self) -> &[(String, NewValue)] {
        &self.set
    }

    /// The raw list, unchanged.
    pub(crate) fn raw_list(&self) -> &[Value] {
        &self.list
    }

    /// Checks all changes. The last of several changes to a field wins, but the list and the individual changes have
    /// to agree.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for the first change that can't be made.
    pub(crate) fn check(&self, workflow: &Workflow, rules: FileRules) -> Result<Checked, Error> {
        let mut checked = Checked::default();
        for (name, value) in &self.set {
            let (change, is_drawn) = value.check(name, workflow, rules)?;
            if is_drawn {
                checked.drawn.push((name.clone(), change.clone()));
            }
            let path = if let NewValue::File(path) = value { Some(path.clone()) } else { None };
            checked.set.retain(|(before, _)| !before.is_same_field(&change));
            checked.set.push((change, path));
        }
        for entry in &self.list {
            let entry = check::entry(workflow, entry)?;
            let node = workflow.find(entry.node.as_str())?;
            rules.value(node, &entry.field, &entry.value)?;
            checked.list.retain(|before| !before.is_same_field(&entry));
            checked.list.push(entry);
        }
        for entry in &checked.list {
            let twice = checked.set.iter().find(|(before, _)| before.is_same_field(entry));
            if twice.is_some_and(|(before, path)| path.is_some() || before.value != entry.value) {
                let name = place_of(&entry.node, &entry.field);
                return Err(Error::usage(say!(
                    "`{name}` is set, and has another value in the nodeInfoList",
                    name
                ))
                .with_hint(say!("remove one of the two")));
            }
        }
        Ok(checked)
    }

    /// Like [`check`](Self::check), for a graph that is sent whole: text in the list has to match the type of its
    /// field, and unchanged loaders must find their files.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for the first violation.
    pub(crate) fn check_whole(&self, workflow: &Workflow, rules: FileRules) -> Result<Checked, Error> {
        links(workflow)?;
        let checked = self.check(workflow, rules)?;
        for one in &checked.list {
            workflow.check(one.node.as_str(), &one.field, one.value.clone())?;
        }
        rules.loaders(workflow, |node, field| checked.changes(node, field))?;
        Ok(checked)
    }
}

impl NewValue {
    /// Checks the value for a field of a workflow. Also returns whether it is a drawn seed.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) if there is no such field, or it doesn't take the value.
    pub(crate) fn check(
        &self,
        name: &str,
        workflow: &Workflow,
        rules: FileRules,
    ) -> Result<(Override, bool), Error> {
        let (node, field) = workflow.place(name)?;
        let (change, is_drawn) = match self {
            Self::Json(new) => (workflow.check(node, field, new.clone())?, false),
            Self::Written(text) => workflow.check_written(node, field, text)?,
            Self::Text(text) => workflow.check_text(node, field, text)?,
            // It has no name until it is uploaded.
            Self::File(_) => (workflow.check(node, field, "".into())?, false),
        };
        let node = workflow.find(node)?;
        if let Self::File(path) = self {
            rules.file(node, path).map_err(|error| {
                if loader::takes_text(node, &change.field) { error.with_hint(USE_TEXT) } else { error }
            })?;
        } else {
            rules.value(node, &change.field, &change.value)?;
        }
        Ok((change, is_drawn))
    }
}

impl Checked {
    /// Reports and notes the seeds that were drawn, so that the run can be repeated.
    pub(crate) fn report_seeds(&self, submit: &Submit) {
        for (_, Override { node, field, value }) in &self.drawn {
            let place = place_of(node, field);
            submit.warn("seed", &say!("`{place}` is set to {value}", place, value = value.to_string()));
        }
        let seeds = self.drawn.iter().map(|(name, change)| (name.clone(), change.value.clone()));
        // Set only once, since each submit is checked once.
        let _ = submit.drawn.set(seeds.collect());
    }

    /// All changes known before files are uploaded.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Override> {
        self.set.iter().filter(|(_, path)| path.is_none()).map(|(change, _)| change).chain(&self.list)
    }

    /// Whether one of the changes sets the field.
    fn changes(&self, node: &Node, field: &str) -> bool {
        let mut places = self.set.iter().map(|(change, _)| change).chain(&self.list);
        places.any(|change| change.node == node.id && change.field == field)
    }

    /// Uploads the files and puts their names into the changes.
    pub(crate) async fn upload<F>(self, upload: impl Fn(PathBuf) -> F) -> Result<Changed, Error>
    where
        F: Future<Output = Result<String, Error>>,
    {
        let mut set = Vec::new();
        for (mut change, path) in self.set {
            if let Some(path) = path {
                change.value = Value::String(upload(path).await?);
            }
            set.push(change);
        }
        Ok(Changed { set, list: self.list })
    }
}

impl Changed {
    /// The graph with all changes applied.
    pub(crate) fn graph(&self, workflow: &Workflow) -> String {
        workflow.with(self.set.iter().chain(&self.list))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
        changes.set("3.steps".into(), json!(5));
        changes.set("3.note".into(), json!("y"));
        changes.set("KSampler.steps".into(), json!(6));
        let Checked { set: checked, .. } = changes.check(&workflow(), FileRules::RUNNINGHUB).expect("good");
        let expected: Vec<_> = checked.iter().map(|(one, _)| (&*one.field, one.value.clone())).collect();
        assert_eq!(expected, [("note", json!("y")), ("steps", json!(6))]);
    }

    #[test]
    fn loaders_accept_their_own_file_types_and_no_urls() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = |name: &str, content: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, content).expect("written");
            path
        };
        let check = |node: &str, field: &str, value: NewValue| {
            let changes = Changes { set: vec![(format!("{node}.{field}"), value)], list: Vec::new() };
            changes.check(&workflow(), FileRules::RUNNINGHUB).map(drop)
        };
        let (png, mp4, empty) = (file("a.PNG", "x"), file("a.mp4", "x"), file("e.png", ""));
        check("1", "image", NewValue::File(png.clone())).expect("an image");
        check("2", "file", NewValue::File(mp4.clone())).expect("a video");
        check("3", "note", NewValue::File(mp4.clone())).expect("who knows");
        check("1", "image", NewValue::Json(json!("api/ab.png"))).expect("a name");
        check("3", "note", NewValue::Json(json!("/home/me/a.png"))).expect("any text");
        check("3", "note", NewValue::Json(json!("https://h/a.png"))).expect("who knows");
        for (node, field, value, expected) in [
            ("1", "image", NewValue::File(mp4), "does not accept"),
            ("2", "file", NewValue::File(png), "does not accept"),
            ("1", "image", NewValue::File(empty), "cannot upload"),
            ("1", "image", NewValue::File(dir.path().join("none.png")), "not found"),
            ("1", "image", NewValue::Json(json!("https://h/a.png?sign=1")), "not a URL"),
            ("1", "image", NewValue::Json(json!("/home/me/a.png")), "not a path on this machine"),
            ("2", "file", NewValue::Json(json!("../a.mp4")), "not a path on this machine"),
        ] {
            let error = check(node, field, value).expect_err(expected);
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
