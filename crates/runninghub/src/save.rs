//! Downloads and saves results.

use std::{
    error::Error as StdError,
    fmt,
    future::{Future, IntoFuture},
    path::{self, Path, PathBuf},
    pin::{Pin, pin},
    sync::Arc,
};

use futures_util::StreamExt as _;
use runninghub_core::{Fact, Output, OutputFile, Sentence, TaskId, WorkflowId, say};
use runninghub_ledger::Entry;
use runninghub_net::{Download, ErrorKind as NetErrorKind, Files, SavedFile, check_folder};

use crate::{
    Backend, Error, ErrorKind, RunFile,
    attempts::{Attempt, AttemptLog},
    manifest::{Manifest, source},
    naming::{check_template, names},
    record::Recorder,
    sentence_of,
};

/// Maximum number of results saved per task: far more than a workflow makes.
const MOST: usize = 1000;

/// Results to be saved. Await it.
///
/// A manifest, `<task>.manifest.json`, is written next to the results. A listed result with an unchanged file is not
/// downloaded again. Existing files are never replaced.
#[must_use = "nothing is fetched until it is awaited"]
pub struct Save {
    files: Files,
    backend: Arc<dyn Backend>,
    attempts: Option<AttemptLog>,
    recorder: Option<Arc<Recorder>>,
    task: TaskId,
    dir: PathBuf,
    workflow: Option<WorkflowId>,
    template: Option<String>,
    outputs: Option<Vec<OutputFile>>,
    most: usize,
}

/// The saved results of a task.
#[derive(Debug)]
#[must_use = "a result that was not saved is only told in here"]
#[non_exhaustive]
pub struct SavedTask {
    /// The results, in the platform's order.
    pub results: Vec<Saved>,
    /// The manifest file, or why there is none. `None` without results.
    pub manifest: Option<Result<PathBuf, Error>>,
}

/// One result, saved or not.
#[derive(Debug)]
#[non_exhaustive]
pub struct Saved {
    /// The result.
    pub output: OutputFile,
    /// The file, or why there is none.
    pub file: Result<SavedFile, Error>,
}

impl From<&Saved> for Output {
    /// The result in the published format, with its local file.
    fn from(saved: &Saved) -> Self {
        published(saved.output.clone(), saved.file.as_ref().ok())
    }
}

/// A task's file in the published format.
pub(crate) fn published(listed: OutputFile, file: Option<&SavedFile>) -> Output {
    Output {
        path: file.map(|file| file.path.to_string_lossy().into_owned()),
        bytes: file.map(|file| file.bytes),
        sha256: file.map(|file| file.sha256.clone()),
        ..listed.into()
    }
}

impl SavedTask {
    /// All files, if all results were saved.
    ///
    /// # Errors
    /// That of the first result that was not saved. The others are on disk.
    pub fn complete(self) -> Result<Vec<SavedFile>, Error> {
        self.results.into_iter().map(|one| one.file).collect()
    }
}

impl Save {
    /// `files` downloads, `backend` is queried for results if none are given.
    pub(crate) fn new(
        files: Files,
        backend: Arc<dyn Backend>,
        attempts: Option<AttemptLog>,
        task: TaskId,
        dir: PathBuf,
    ) -> Self {
        Self {
            files,
            backend,
            attempts,
            recorder: None,
            task,
            dir,
            workflow: None,
            template: None,
            outputs: None,
            most: MOST,
        }
    }

    /// Notes the digests of the results in the recording.
    pub(crate) fn recorded(self, recorder: Option<Arc<Recorder>>) -> Self {
        Self { recorder, ..self }
    }

    /// Saves these results, instead of querying the platform for them.
    pub fn files(self, outputs: &[OutputFile]) -> Self {
        Self { outputs: Some(outputs.to_vec()), ..self }
    }

    /// Template for file names: text with `{task}`, `{node}`, `{n}`, `{name}` and `{subfolder}` (as the
    /// workflow named it) and `{ext}`. A name never leads out of the
    /// folder; an existing name gets a number.
    pub fn template(self, template: impl Into<String>) -> Self {
        Self { template: Some(template.into()), ..self }
    }

    /// The workflow that made the results, for the manifest.
    pub fn workflow(self, id: impl Into<WorkflowId>) -> Self {
        Self { workflow: Some(id.into()), ..self }
    }

    /// Maximum number of results that are saved; 1000 by default.
    pub fn at_most(self, results: usize) -> Self {
        Self { most: results, ..self }
    }

    /// Checks the template and the folder, so that you don't pay for results that cannot be saved.
    ///
    /// # Errors
    /// When the template has an unknown part, or the folder cannot be created or written to.
    pub fn check(&self) -> Result<(), Error> {
        if let Some(template) = &self.template {
            check_template(template)?;
        }
        check_folder(&self.dir).map_err(|error| unwritable(&self.dir, error))
    }

    async fn run(self) -> Result<SavedTask, Error> {
        self.check()?;
        let mut outputs = match &self.outputs {
            Some(outputs) => outputs.clone(),
            None => self.backend.results(&self.task).await?.outputs,
        };
        let count = outputs.len();
        let beyond = outputs.get(self.most).cloned();
        outputs.truncate(self.most);
        let names = names(&self.task, &outputs, self.template.as_deref());
        let (dir, task) = (self.dir.clone(), self.task.clone());
        let (path, mut manifest, mut pending) = blocking(move || {
            let (path, manifest) = Manifest::load(&dir, &task);
            let pending = outputs.into_iter().zip(names).map(|(output, name)| Pending {
                file: manifest.kept(&dir, &output, &name).map(Ok),
                output,
                name,
            });
            let pending: Vec<_> = pending.collect();
            Ok((path, manifest, pending))
        })
        .await?;
        self.fetch(&mut pending).await;
        if pending.iter().any(Pending::is_expired) {
            self.renew(&mut pending).await;
            self.fetch(&mut pending).await;
            for place in pending.iter_mut().filter(|place| place.is_expired()) {
                if let Some(error) = self.backend.gone(&place.output) {
                    place.file = Some(Err(error));
                }
            }
        }

        let mut results: Vec<Saved> = pending.into_iter().map(Saved::from).collect();
        if let Some(output) = beyond {
            let what =
                say!("the task has {count} results, and at most {most} are saved", count, most = self.most);
            results.push(Saved { output, file: Err(Error::new(ErrorKind::Results, what)) });
        }
        if results.is_empty() {
            return Ok(SavedTask { results, manifest: None });
        }
        if let Some(recorder) = &self.recorder {
            recorder.results(&self.task, &results);
        }
        let known = self.known().await;
        let workflow = self.workflow.clone().or_else(|| known.as_ref()?.0.intent.workflow.clone());
        let before = manifest.clone();
        manifest.merge(workflow.as_ref(), &results);
        if let Some(run) = known.as_ref().and_then(|(entry, _)| RunFile::of(entry)) {
            manifest.ran(run);
        }
        let manifest = blocking(move || {
            if manifest != before || !path.exists() {
                manifest.write(&path)?;
            }
            Ok(path)
        });
        let manifest = manifest.await;
        if let Some((_, attempt)) =
            known.filter(|_| manifest.is_ok() && results.iter().all(|one| one.file.is_ok()))
            && let Err(error) = attempt.saved(&absolute(&self.dir)).await
        {
            // The files are saved, so this error is only logged.
            tracing::warn!(error = %sentence_of(&error), "where the results are is not in the ledger");
        }
        Ok(SavedTask { manifest: Some(manifest), results })
    }

    /// The task's ledger entry: optional, so errors are ignored.
    async fn known(&self) -> Option<(Entry, Attempt)> {
        self.attempts.as_ref()?.find(&self.task).await.ok()?
    }

    /// Downloads results that have no file yet.
    async fn fetch(&self, pending: &mut [Pending]) {
        let (mut open, mut downloads) = (Vec::new(), Vec::new());
        for place in pending.iter_mut().filter(|place| place.file.is_none()) {
            if let Some(download) = self.download(place) {
                downloads.push(download);
                open.push(place);
            } else {
                let what = say!("the result has neither a URL nor text");
                place.file = Some(Err(Error::new(ErrorKind::Results, what)));
            }
        }
        let mut fetched = pin!(self.files.download_all(downloads));
        while let Some((at, result)) = fetched.next().await {
            if let Some(place) = open.get_mut(at) {
                place.file = Some(result.map_err(|error| failed(say!("the result was not saved"), error)));
            }
        }
    }

    fn download(&self, place: &Pending) -> Option<Download> {
        let files = &self.files;
        let OutputFile { url, text, data, .. } = &place.output;
        let content = data.as_deref().or_else(|| text.as_deref().map(str::as_bytes));
        match (url, content) {
            (Some(url), _) => Some(files.download(url.expose(), &self.dir, &place.name)),
            (None, Some(content)) => Some(files.save_bytes(content.to_vec(), &self.dir, &place.name)),
            (None, None) => None,
        }
    }

    /// Links expire after about a day, so the platform is queried once for fresh ones. If that fails, the errors of
    /// the old links stay.
    async fn renew(&self, pending: &mut [Pending]) {
        let fresh = match self.backend.results(&self.task).await {
            Ok(fresh) => fresh.outputs,
            Err(error) => {
                tracing::debug!(%error, "no fresh links");
                return;
            }
        };
        let count = pending.len();
        for (at, place) in pending.iter_mut().enumerate().filter(|(_, place)| place.is_expired()) {
            if let Some(fresh) = counterpart(&place.output, at, count, &fresh) {
                place.output = fresh.clone();
                place.file = None;
            }
        }
    }
}

/// A result being saved.
struct Pending {
    output: OutputFile,
    name: String,
    /// `None` until it was tried.
    file: Option<Result<SavedFile, Error>>,
}

impl Pending {
    fn is_expired(&self) -> bool {
        matches!(&self.file, Some(Err(error)) if error.is_expired())
    }
}

/// The same result in a new list: from the same node and path, or else the one at the same position, if the list is as
/// long as before and the node is the same.
fn counterpart<'f>(
    output: &OutputFile,
    at: usize,
    count: usize,
    fresh: &'f [OutputFile],
) -> Option<&'f OutputFile> {
    let is_same_node = |other: &&OutputFile| other.node_id == output.node_id;
    let place = source(output);
    let same = fresh.iter().filter(is_same_node).find(|other| place.is_some() && source(other) == place);
    same.or_else(|| fresh.get(at).filter(|_| fresh.len() == count).filter(is_same_node))
}

impl From<Pending> for Saved {
    fn from(place: Pending) -> Self {
        let missing = || Err(Error::new(ErrorKind::Results, say!("the result was not downloaded")));
        Self { output: place.output, file: place.file.unwrap_or_else(missing) }
    }
}

/// A folder that nothing can be written to.
pub(crate) fn unwritable(dir: &Path, error: impl StdError + Send + Sync + 'static) -> Error {
    let what = say!("cannot write to the folder {path}", path = Fact::of(dir.display()));
    Error::new(ErrorKind::Io, what).with_source(error)
}

pub(crate) fn failed(what: Sentence, error: runninghub_net::Error) -> Error {
    let kind = if matches!(error.kind(), NetErrorKind::Io { .. } | NetErrorKind::Full { .. }) {
        ErrorKind::Io
    } else {
        ErrorKind::Results
    };
    Error::new(kind, what).with_source(error)
}

/// Runs file I/O on a blocking thread: the sockets of running tasks must not wait for the disk.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let result = tokio::task::spawn_blocking(work).await;
    result.unwrap_or_else(|error| {
        Err(Error::new(ErrorKind::Io, say!("the folder cannot be read")).with_source(error))
    })
}

impl IntoFuture for Save {
    type Output = Result<SavedTask, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for Save {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Save").finish_non_exhaustive()
    }
}

/// A relative path would mean another file in another folder.
fn absolute(dir: &Path) -> String {
    path::absolute(dir).unwrap_or_else(|_| dir.to_owned()).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use runninghub_core::FileUrl;

    use super::*;

    #[test]
    fn a_fresh_link_is_that_of_the_same_result() {
        let output = |node: &str, url: &str| OutputFile {
            node_id: Some(node.into()),
            url: Some(FileUrl::new(url)),
            ..OutputFile::default()
        };
        let fresh =
            [output("9", "https://h/b?2"), output("9", "https://h/a?2"), output("8", "https://h/c?2")];
        let found = |old: &OutputFile, at, count| {
            counterpart(old, at, count, &fresh).and_then(|one| one.url.as_ref().map(FileUrl::expose))
        };
        assert_eq!(found(&output("9", "https://h/a?1"), 0, 3), Some("https://h/a?2"), "by its place");
        assert_eq!(found(&output("9", "https://h/a?1"), 0, 9), Some("https://h/a?2"), "in a longer list");
        assert_eq!(found(&output("8", "https://h/x?1"), 2, 3), Some("https://h/c?2"), "by its position");
        assert_eq!(found(&output("8", "https://h/x?1"), 2, 4), None, "positions have shifted");
        assert_eq!(found(&output("8", "https://h/a?1"), 1, 3), None, "another node's");
    }
}
