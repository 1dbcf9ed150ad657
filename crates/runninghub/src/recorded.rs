//! The submit of a recorded run, so that it can be repeated: `submit.json` in the folder of a recording.

use std::{
    env,
    path::{Component, Path, PathBuf},
};

use runninghub_core::{Kind, Place, WorkflowId, say};
use runninghub_transport::Recording;
use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Recipe, Submit, Work, recipe::work};

/// The name of the file.
pub(crate) const FILE: &str = "submit.json";
/// Name and version of the format.
const SCHEMA: &str = "rhub.submit/1";

/// The submit of a recording: target and settings, without secrets. Files are identified by their content; their paths
/// are relative to the folder.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Recorded {
    schema: String,
    /// The place where it ran, as [`Place::word`].
    pub place: String,
    /// Its [`Kind`], as a word.
    kind: String,
    /// The saved workflow, or the one that a graph was submitted under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    workflow_id: Option<String>,
    /// The app, or the endpoint of a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    /// The settings.
    recipe: Recipe,
}

impl Recorded {
    /// A submit that is checked. Reads its files.
    pub(crate) async fn of(submit: &Submit, place: &Place, dir: &Path) -> Self {
        let mut recipe = Recipe::of(submit).await;
        recipe.files(|path| short(path, dir));
        let workflow_id = match &submit.work {
            Work::Workflow(id) => Some(id.to_string()),
            _ => submit.under.as_ref().map(ToString::to_string),
        };
        let target = match &submit.work {
            Work::App(app) | Work::Quick { app, .. } => Some(app.to_string()),
            Work::Model(endpoint) => Some(endpoint.clone()),
            _ => None,
        };
        Self {
            schema: SCHEMA.to_owned(),
            place: place.word().to_owned(),
            kind: submit.work.kind().as_str().to_owned(),
            workflow_id,
            target,
            recipe,
        }
    }

    pub(crate) fn text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Reads the submit of a recording; `None` if it has none, because an older version wrote it. `folder` is that of
    /// the recording.
    ///
    /// # Errors
    /// [`ErrorKind::Recording`] if the file is damaged, or of a newer version.
    pub fn read(recording: &Recording, folder: &Path) -> Result<Option<Self>, Error> {
        let Some(read) = recording.read_json::<Self>(FILE)? else { return Ok(None) };
        if read.schema != SCHEMA {
            let what = say!("{file} was written by a newer version", file = FILE);
            return Err(Error::new(ErrorKind::Recording, what));
        }
        let mut read = read;
        read.recipe.files(|path| folder.join(path));
        Ok(Some(read))
    }

    /// The same submit again, on RunningHub. `graph` is the recorded workflow.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if a value or a file is no longer known, or it ran elsewhere.
    pub fn submit(&self, graph: Option<String>) -> Result<Submit, Error> {
        let kind: Kind = self.kind.parse().unwrap_or(Kind::Prompt);
        let is_graph = self.recipe.graph_sha256.is_some();
        let workflow = self.workflow_id.clone().map(WorkflowId::from);
        let work = match (is_graph, graph) {
            (true, Some(graph)) => Some(Work::Graph(graph)),
            (true, None) => None,
            (false, _) => work(&kind, workflow.clone(), self.target.clone(), self.recipe.code.clone()),
        };
        let missing = || Error::usage(say!("the recording doesn't have the workflow that ran"));
        let submit = self.recipe.submit(work.ok_or_else(missing)?, &[])?;
        Ok(match workflow.filter(|_| is_graph) {
            Some(id) => submit.under(id),
            None => submit,
        })
    }

    /// The recorded workflow with its settings, for a ComfyUI.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub fn submit_to_comfyui(&self, graph: String) -> Result<Submit, Error> {
        let settings = Recipe { instance: None, metadata: None, v2: false, ..self.recipe.clone() };
        settings.submit(Work::Graph(graph), &[])
    }
}

/// A path relative to the folder of a recording, if both are below the current folder. For others only the name: a
/// recording doesn't reveal a machine's folders.
fn short(path: &Path, dir: &Path) -> PathBuf {
    let name = || path.file_name().map(PathBuf::from).unwrap_or_default();
    let absolute = |path: &Path| std::path::absolute(path).ok();
    let (Some(path), Some(dir), Ok(here)) = (absolute(path), absolute(dir), env::current_dir()) else {
        return name();
    };
    let (Ok(path), Ok(dir)) = (path.strip_prefix(&here), dir.strip_prefix(&here)) else { return name() };
    let is_plain = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
    if !is_plain(path) || !is_plain(dir) {
        return name();
    }
    let common = path.components().zip(dir.components()).take_while(|(one, other)| one == other).count();
    let up = dir.components().skip(common).map(|_| Component::ParentDir);
    up.chain(path.components().skip(common)).collect()
}
