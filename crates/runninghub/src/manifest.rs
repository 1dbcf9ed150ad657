//! A file next to the results that describes each of them. `docs/manifest.md` documents it for other programs.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use runninghub_core::{NodeId, OutputFile, TaskId, Untrusted, WorkflowId, say};
use runninghub_net::{SavedFile, holds, numbered, open_file, replace_file, sanitize};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{Error, ErrorKind, RunFile, naming, save::Saved, sentence_of};

const SCHEMA: &str = "runninghub.manifest";
/// Fields may be added within a version. A file of a newer version is left alone.
const VERSION: u32 = 1;
/// Maximum manifest size, bytes: far more than the largest number of saved results needs.
const LONGEST: u64 = 16 << 20;
/// Number of names tried if other files have the manifest's name.
const NAMES: usize = 100;

/// The records of a task's results in a folder.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Manifest {
    schema: String,
    version: u32,
    task_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    workflow_id: Option<String>,
    /// The run, if this machine's ledger has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run: Option<RunFile>,
    /// The program that wrote the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    software: Option<String>,
    results: Vec<Entry>,
}

/// One result: a file in the folder, or why it is missing.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
struct Entry {
    /// Its position among the task's results, from 1.
    n: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    node_id: Option<String>,
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    file_type: Option<String>,
    /// Host and path, without the signature. `None` for text results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Whether a folder has all results of a task, according to its manifest. Reads every file.
pub fn holds_results(directory: impl AsRef<Path>, task: &TaskId) -> bool {
    saved_results(directory, task).is_some()
}

/// The results of a task that were saved in a folder; `None` if one of them is missing or has changed, or there is no
/// manifest.
pub fn saved_results(directory: impl AsRef<Path>, task: &TaskId) -> Option<Vec<SavedFile>> {
    let directory = directory.as_ref();
    let (path, manifest) = Manifest::load(directory, task);
    let file = |entry: &Entry| {
        let (name, bytes, sha256) = (entry.name.as_ref()?, entry.bytes?, entry.sha256.clone()?);
        let path = directory.join(name);
        let is_whole = sanitize(name) == *name && holds(&path, bytes, &sha256);
        is_whole.then_some(SavedFile { path, bytes, sha256 })
    };
    if path.exists() { manifest.results.iter().map(file).collect() } else { None }
}

impl Manifest {
    /// The task's manifest in a folder, and the path to write it to. Unrelated files of that name are left alone.
    pub(crate) fn load(directory: &Path, task: &TaskId) -> (PathBuf, Self) {
        let task_id = Untrusted::from(task.as_str()).to_string();
        let name = sanitize(&format!("{task_id}.manifest.json"));
        let new = Self {
            schema: SCHEMA.to_owned(),
            version: VERSION,
            task_id,
            workflow_id: None,
            run: None,
            software: None,
            results: Vec::new(),
        };
        let mut path = directory.join(&name);
        for number in 1..=NAMES {
            path = directory.join(numbered(&name, number));
            if path.symlink_metadata().is_err() {
                break;
            }
            if let Some(found) = read(&path).filter(|found| found.is_of(&new)) {
                return (path, found);
            }
        }
        (path, new)
    }

    fn is_of(&self, new: &Self) -> bool {
        self.schema == new.schema && self.version == new.version && self.task_id == new.task_id
    }

    /// The file that already holds this result, unchanged since it was saved. Reads the whole file.
    pub(crate) fn kept(&self, directory: &Path, output: &OutputFile, wanted: &str) -> Option<SavedFile> {
        let source = source(output)?;
        let node_id = shown(output.node_id.as_ref());
        let entry = self
            .results
            .iter()
            .find(|entry| entry.source.as_ref() == Some(&source) && entry.node_id == node_id)?;
        let (name, bytes, sha256) = (entry.name.as_ref()?, entry.bytes?, entry.sha256.as_ref()?);
        // The manifest is untrusted input: it may only name files in the folder.
        let path = directory.join(sanitize(name));
        let is_kept = naming::answers(name, wanted) && sanitize(name) == *name && holds(&path, bytes, sha256);
        is_kept.then(|| SavedFile { path, bytes, sha256: sha256.clone() })
    }

    /// Adds saved and failed results. Entries of other results stay.
    pub(crate) fn merge(&mut self, workflow: Option<&WorkflowId>, saved: &[Saved]) {
        if let Some(workflow) = workflow {
            self.workflow_id = Some(Untrusted::from(workflow.as_str()).to_string());
        }
        for (one, n) in saved.iter().zip(1..) {
            let entry = Entry::of(one, n);
            match self.results.iter_mut().find(|known| known.is_about(&entry)) {
                Some(known) => *known = entry,
                None => self.results.push(entry),
            }
        }
        self.results.sort_by_key(|entry| entry.n);
    }

    /// Adds what ran.
    pub(crate) fn ran(&mut self, run: RunFile) {
        self.run = Some(run.portable());
        self.software = Some(concat!("runninghub ", env!("CARGO_PKG_VERSION")).to_owned());
    }

    /// Writes the manifest atomically.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Error> {
        let written = serde_json::to_string_pretty(self).map_err(|error| {
            Error::new(ErrorKind::Io, say!("the manifest cannot be written")).with_source(error)
        })?;
        replace_file(path, format!("{written}\n").as_bytes()).map_err(|error| {
            Error::new(ErrorKind::Io, say!("the manifest was not written")).with_source(error)
        })
    }
}

impl Entry {
    fn of(saved: &Saved, n: usize) -> Self {
        let entry = Self {
            n,
            node_id: shown(saved.output.node_id.as_ref()),
            file_type: saved.output.file_type.as_deref().map(|text| Untrusted::from(text).to_string()),
            source: source(&saved.output),
            ..Self::default()
        };
        match &saved.file {
            Ok(file) => Self {
                name: file.path.file_name().map(|name| name.to_string_lossy().into_owned()),
                bytes: Some(file.bytes),
                sha256: Some(file.sha256.clone()),
                ..entry
            },
            Err(error) => Self { error: Some(sentence_of(error).to_string()), ..entry },
        }
    }

    /// Links are signed each time, and lists may grow, so a result is identified by its node and its path. A text
    /// result has no path, so it is identified by its position in the list.
    fn is_about(&self, other: &Self) -> bool {
        let is_same = self.node_id == other.node_id && self.source == other.source;
        is_same && (self.source.is_some() || self.n == other.n)
    }
}

/// Host and path of a result, without the signature. `None` for a result without a URL.
pub(crate) fn source(output: &OutputFile) -> Option<String> {
    let url = Url::parse(&output.url.as_ref()?.without_key()).ok()?;
    let mut source = format!("{}{}", url.host_str()?, url.path());
    // ComfyUI serves all of its files at one path.
    if url.path().ends_with("/view") {
        for part in ["type", "subfolder", "filename"] {
            let found = url.query_pairs().find(|(name, value)| name == part && !value.is_empty());
            source.extend(found.map(|(_, value)| format!("/{value}")));
        }
    }
    Some(source)
}

fn shown(node: Option<&NodeId>) -> Option<String> {
    node.map(|node| Untrusted::from(node.as_str()).to_string())
}

fn read(path: &Path) -> Option<Manifest> {
    let mut text = String::new();
    open_file(path).ok()?.take(LONGEST).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use runninghub_core::FileUrl;

    use super::*;

    fn output(node: &str, url: &str) -> OutputFile {
        OutputFile { node_id: Some(node.into()), url: Some(FileUrl::new(url)), ..OutputFile::default() }
    }

    fn saved(output: OutputFile, directory: &Path, name: &str, content: &str) -> Saved {
        let path = directory.join(name);
        std::fs::write(&path, content).expect("written");
        // SHA-256 of "abc".
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned();
        Saved { output, file: Ok(SavedFile { path, bytes: 3, sha256 }) }
    }

    #[test]
    fn unchanged_saved_files_are_recognized() {
        let dir = tempfile::tempdir().expect("a folder");
        let (path, mut manifest) = Manifest::load(dir.path(), &"77".into());
        let good = output("9", "https://h/a.png?sign=1");
        let bad = Saved {
            output: output("10", "https://h/b"),
            file: Err(Error::new(ErrorKind::Results, say!("no"))),
        };
        manifest.merge(Some(&"5".into()), &[saved(good, dir.path(), "77-9-1.png", "abc"), bad]);
        manifest.write(&path).expect("written");
        insta::assert_snapshot!(std::fs::read_to_string(&path).expect("text"), @r#"
        {
          "schema": "runninghub.manifest",
          "version": 1,
          "task_id": "77",
          "workflow_id": "5",
          "results": [
            {
              "n": 1,
              "node_id": "9",
              "source": "h/a.png",
              "name": "77-9-1.png",
              "bytes": 3,
              "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
            },
            {
              "n": 2,
              "node_id": "10",
              "source": "h/b",
              "error": "no"
            }
          ]
        }
        "#);

        let (again, manifest) = Manifest::load(dir.path(), &"77".into());
        assert_eq!(again, path);
        let fresh = output("9", "https://h/a.png?sign=2");
        let kept = |wanted| manifest.kept(dir.path(), &fresh, wanted);
        assert_eq!(kept("77-9-1.png").expect("kept").path, dir.path().join("77-9-1.png"));
        assert_eq!(kept("cat.png"), None, "another name is wanted");
        assert_eq!(
            manifest.kept(dir.path(), &output("8", "https://h/a.png"), "77-9-1.png"),
            None,
            "another node"
        );
        assert_eq!(manifest.kept(dir.path(), &output("10", "https://h/b"), "77-9-1.png"), None, "it failed");
        std::fs::write(dir.path().join("77-9-1.png"), "abd").expect("changed");
        assert_eq!(kept("77-9-1.png"), None, "it was changed");
    }

    #[test]
    fn files_of_a_comfyui_lie_at_different_places() {
        let place = |url: &str| source(&output("9", url));
        assert_eq!(
            place("https://h/proxy/KEY/view?filename=a.png&subfolder=&type=temp").as_deref(),
            Some("h/proxy/%E2%80%A6/view/temp/a.png")
        );
        assert_eq!(
            place("http://h:8188/view?filename=a.png&subfolder=x&type=output").as_deref(),
            Some("h/view/output/x/a.png")
        );
    }

    #[test]
    fn results_are_merged() {
        let dir = tempfile::tempdir().expect("a folder");
        let (_, mut manifest) = Manifest::load(dir.path(), &"77".into());
        let (a, b) = (output("9", "https://h/a?1"), output("9", "https://h/b?1"));
        let lost = |output: &OutputFile| Saved {
            output: output.clone(),
            file: Err(Error::new(ErrorKind::Results, say!("no"))),
        };
        manifest.merge(Some(&"5".into()), &[lost(&b)]);
        manifest.merge(None, &[saved(a, dir.path(), "a", "abc"), lost(&b)]);
        manifest.merge(None, &[saved(output("9", "https://h/b?2"), dir.path(), "b", "abc")]);
        let results: Vec<_> =
            manifest.results.iter().map(|entry| (entry.source.as_deref(), entry.name.as_deref())).collect();
        assert_eq!(results, [(Some("h/a"), Some("a")), (Some("h/b"), Some("b"))]);
        assert_eq!(manifest.workflow_id.as_deref(), Some("5"));
    }

    #[test]
    fn foreign_files_are_not_touched() {
        let dir = tempfile::tempdir().expect("a folder");
        let name = |number| dir.path().join(numbered("77.manifest.json", number));
        let other = r#"{"schema":"runninghub.manifest","version":2,"task_id":"77","results":[]}"#;
        std::fs::write(name(1), "{}").expect("written");
        std::fs::write(name(2), other).expect("written");
        let (path, manifest) = Manifest::load(dir.path(), &"77".into());
        assert_eq!(path, name(3));
        manifest.write(&path).expect("written");
        assert_eq!(Manifest::load(dir.path(), &"77".into()), (name(3), manifest));
        assert_eq!(std::fs::read_to_string(name(2)).expect("text"), other);
    }

    #[test]
    fn a_manifest_leads_nowhere_else() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = dir.path().join("results");
        std::fs::create_dir(&folder).expect("made");
        let (_, mut manifest) = Manifest::load(&folder, &"77".into());
        let secret = saved(output("9", "https://h/a"), dir.path(), "secret", "abc");
        manifest.merge(None, &[secret]);
        for name in ["../secret", "/secret", ".."] {
            manifest.results[0].name = Some(name.to_owned());
            assert_eq!(manifest.kept(&folder, &output("9", "https://h/a"), name), None, "{name}");
        }
    }
}
