//! Writes recordings.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use runninghub_core::{PromptId, SocketUrl, TaskId, say};
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::meta::{HTTP, HttpRow, KIND, META, Meta, Prompt, RecordedResult, plain_name};
use crate::{Connect, Error, ErrorKind, RecordConnect, Redactor, record::Session, tape::FORMAT};

/// Writes a recording that [`Recording`](crate::Recording) reads, without its secrets.
///
/// After its creation no operation fails, because the recorded run costs money and must continue. The first error is
/// kept and logged as a warning.
#[derive(Clone, Debug)]
pub struct RecordingWriter {
    folder: PathBuf,
    session: Arc<Session>,
    meta: Arc<Mutex<Meta>>,
    keeps_previews: bool,
}

/// The timeline of an earlier recording in the same folder. It is kept for comparison when a run is recorded again.
pub const SNAPSHOT: &str = "timeline.snap";

/// The folder next to it with the expected images of the run.
pub const EXPECTED: &str = "expected";

/// Whether the folder is empty except for expectations of the run, or contains an empty recording of a run that was
/// refused before it was sent.
fn is_free(folder: &Path) -> io::Result<bool> {
    let names = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.file_name()));
    let mut names = names.collect::<io::Result<Vec<_>>>()?;
    names.retain(|name| name != SNAPSHOT && name != EXPECTED);
    if names.is_empty() {
        return Ok(true);
    }
    let meta =
        fs::read_to_string(folder.join(META)).ok().and_then(|text| serde_json::from_str::<Meta>(&text).ok());
    let is_of_nothing = meta.is_some_and(|meta| meta.prompts.is_empty() && meta.task_id.is_none());
    if !is_of_nothing || names.iter().any(|name| name != META && name != HTTP) {
        return Ok(false);
    }
    names.iter().try_for_each(|name| fs::remove_file(folder.join(name)))?;
    Ok(true)
}

impl RecordingWriter {
    /// Creates the folder, or uses an existing one that is empty or holds a recording without a prompt; `timeline.snap`
    /// and `expected` stay in it. A recording of a run is never replaced, because the run may have been paid for.
    ///
    /// # Errors
    /// [`ErrorKind::Recording`] if the folder isn't empty, [`ErrorKind::Io`] if it isn't writable.
    pub fn create(folder: impl Into<PathBuf>, redactor: Redactor) -> Result<Self, Error> {
        let folder = folder.into();
        let io = |error| Error::file(&folder, say!("cannot be recorded to"), error);
        fs::create_dir_all(&folder).map_err(io)?;
        if !is_free(&folder).map_err(io)? {
            let what = say!("not empty: choose another folder for the recording");
            return Err(Error::new(ErrorKind::Recording, what).in_file(&folder));
        }
        let meta = Meta {
            format: Some(FORMAT),
            kind: Some(KIND.to_owned()),
            software: Some(concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned()),
            ..Meta::default()
        };
        write_meta(&folder, &meta).map_err(io)?;
        Ok(Self {
            folder,
            session: Session::new(redactor),
            meta: Arc::new(Mutex::new(meta)),
            keeps_previews: false,
        })
    }

    /// Keeps one JPEG preview a second. By default all of them are left out.
    #[must_use]
    pub fn keep_previews(self, wanted: bool) -> Self {
        Self { keeps_previews: wanted, ..self }
    }

    /// Sets the description of the recording.
    pub fn about(&self, about: &str) {
        let about = self.session.redact_text(about);
        self.change(|meta| meta.about = Some(about));
    }

    /// Sets the recorded task.
    pub fn task(&self, id: &TaskId) {
        self.change(|meta| meta.task_id = Some(id.clone()));
    }

    /// Sets the results of a task. Those of another one than was recorded are ignored.
    pub fn results(&self, of: &TaskId, results: impl IntoIterator<Item = RecordedResult>) {
        let redact = |result: RecordedResult| RecordedResult {
            node_id: result.node_id.map(|id| self.session.redact_text(id.as_str()).into()),
            file_type: result.file_type.map(|kind| self.session.redact_text(&kind)),
            ..result
        };
        let results = results.into_iter().map(redact).collect();
        self.change(|meta| {
            if meta.task_id.as_ref() == Some(of) {
                meta.results = results;
            }
        });
    }

    /// Adds a prompt with its workflow (JSON text, API format), if known.
    pub fn prompt(&self, id: Option<&PromptId>, workflow: Option<&str>, http_status: Option<u16>) {
        let number = self.meta.lock().unwrap_or_else(PoisonError::into_inner).prompts.len() + 1;
        let name = if number == 1 { "workflow.json".to_owned() } else { format!("workflow-{number}.json") };
        if let Some(workflow) = workflow {
            self.file(&name, workflow);
        }
        let prompt = Prompt { prompt_id: id.cloned(), workflow: workflow.map(|_| name), http_status };
        self.change(|meta| meta.prompts.push(prompt));
    }

    /// Adds an HTTP exchange.
    pub fn http(&self, row: &HttpRow) {
        let (row, path) = (row.clone(), self.folder.join(HTTP));
        self.session.background(row.text.len(), move |kept| {
            let body = row.body.as_ref().map(|body| kept.redact_text(body.get()));
            let row = HttpRow {
                path: kept.redact_text(&row.path),
                // A body that is no longer valid JSON without its secrets is omitted.
                body: body.and_then(|body| RawValue::from_string(body).ok()),
                text: kept.redact_text(&row.text),
                ..row
            };
            let line = serde_json::to_vec(&row).map(|mut line| {
                line.push(b'\n');
                line
            });
            let write =
                |line: Vec<u8>| File::options().create(true).append(true).open(path)?.write_all(&line);
            kept.note(HTTP, line.map_err(io::Error::other).and_then(write));
        });
    }

    /// Adds a file of JSON text, such as `object_info.json` or `history.json`. Its name must not be a path.
    pub fn file(&self, name: &str, json: &str) {
        match plain_name(name) {
            Ok(name) => {
                let (name, json, path) = (name.to_owned(), json.to_owned(), self.folder.join(name));
                self.session.background(json.len(), move |kept| {
                    kept.note(&name, fs::write(path, kept.redact_text(&json)));
                });
            }
            Err(error) => self.session.fail(error),
        }
    }

    /// Adds a secret that was not known at the start.
    pub fn secret(&self, secret: &str) {
        self.session.learn(|redactor| redactor.learn(secret));
    }

    /// Adds the password and the path of a URL, of a proxy or a webhook.
    pub fn address(&self, address: &str) {
        self.session.learn(|redactor| redactor.learn_address(address));
    }

    /// Adds the secrets in a socket's URL.
    pub fn socket_url(&self, url: &SocketUrl) {
        self.session.learn(|redactor| redactor.learn_socket_url(url));
    }

    /// Returns a connector that records the connections `inner` opens.
    pub fn connect<C: Connect>(&self, inner: C) -> RecordConnect<C> {
        RecordConnect::part_of(self.session.clone(), inner, self.folder.clone())
            .keep_previews(self.keeps_previews)
    }

    /// A moment in milliseconds since the recording started: [`HttpRow::at_ms`].
    pub fn ms_at(&self, moment: Instant) -> f64 {
        self.session.ms_at(moment)
    }

    /// The first error, if part of the recording is missing. Waits until everything so far is written.
    pub fn failure(&self) -> Option<&Error> {
        self.session.failure()
    }

    fn change(&self, change: impl FnOnce(&mut Meta)) {
        let mut meta = self.meta.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut meta);
        self.session.note(META, write_meta(&self.folder, &meta));
    }
}

/// Writes a new file and renames it, so that a crash leaves either the old one or the new one.
fn write_meta(folder: &Path, meta: &Meta) -> io::Result<()> {
    let beside = folder.join("meta.json.new");
    fs::write(&beside, serde_json::to_vec_pretty(meta)?)?;
    fs::rename(beside, folder.join(META))
}
