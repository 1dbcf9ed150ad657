//! Making recordings.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use runninghub_core::{PromptId, SocketUrl, TaskId};
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::meta::{HTTP, HttpRow, KIND, META, Meta, Prompt, plain_name};
use crate::{Connect, Error, ErrorKind, RecordConnect, Redactor, record::Session, tape::FORMAT};

/// Writes a recording that [`Recording`](crate::Recording) reads, without its secrets.
///
/// Once it is made nothing of it fails: the run that is recorded costs money and goes on. The first error is kept and
/// logged as a warning.
#[derive(Clone, Debug)]
pub struct RecordingWriter {
    folder: PathBuf,
    session: Arc<Session>,
    meta: Arc<Mutex<Meta>>,
}

impl RecordingWriter {
    /// Makes the folder, or takes one that is empty. An earlier recording may show a run that was paid for: it is not
    /// replaced.
    ///
    /// # Errors
    /// [`ErrorKind::Recording`] if the folder holds something, [`ErrorKind::Io`] if there is no writing to it.
    pub fn create(folder: impl Into<PathBuf>, redactor: Redactor) -> Result<Self, Error> {
        let folder = folder.into();
        let io = |error| Error::file(&folder, "cannot be recorded to", error);
        fs::create_dir_all(&folder).map_err(io)?;
        if fs::read_dir(&folder).map_err(io)?.next().is_some() {
            let what = "not empty: name another folder for the recording";
            return Err(Error::new(ErrorKind::Recording, what).in_file(&folder));
        }
        let meta = Meta {
            format: Some(FORMAT),
            kind: Some(KIND.to_owned()),
            software: Some(concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned()),
            ..Meta::default()
        };
        write_meta(&folder, &meta).map_err(io)?;
        Ok(Self { folder, session: Session::new(redactor), meta: Arc::new(Mutex::new(meta)) })
    }

    /// Says what the recording is about.
    pub fn about(&self, about: &str) {
        let about = self.session.redact_text(about);
        self.change(|meta| meta.about = Some(about));
    }

    /// Names the task that is recorded.
    pub fn task(&self, id: &TaskId) {
        self.change(|meta| meta.task_id = Some(id.clone()));
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
        let body = row.body.as_ref().map(|body| self.session.redact_text(body.get()));
        let row = HttpRow {
            method: row.method.clone(),
            path: self.session.redact_text(&row.path),
            // A body that is no JSON any more without its secrets goes as a whole.
            body: body.and_then(|body| RawValue::from_string(body).ok()),
            text: self.session.redact_text(&row.text),
            ..*row
        };
        self.keep(HTTP, || {
            let mut line = serde_json::to_vec(&row)?;
            line.push(b'\n');
            File::options().create(true).append(true).open(self.folder.join(HTTP))?.write_all(&line)
        });
    }

    /// Adds a file of JSON text: `object_info.json`, `history.json`. Its name must be a plain one.
    pub fn file(&self, name: &str, json: &str) {
        match plain_name(name) {
            Ok(name) => {
                let json = self.session.redact_text(json);
                self.keep(name, || fs::write(self.folder.join(name), json));
            }
            Err(error) => self.session.fail(error),
        }
    }

    /// Adds a secret that was not known at the start.
    pub fn secret(&self, secret: &str) {
        self.session.learn(|redactor| redactor.learn(secret));
    }

    /// Adds the password and the path of an address: of a proxy, of a webhook.
    pub fn address(&self, address: &str) {
        self.session.learn(|redactor| redactor.learn_address(address));
    }

    /// Adds the secrets of a socket's address.
    pub fn socket_url(&self, url: &SocketUrl) {
        self.session.learn(|redactor| redactor.learn_socket_url(url));
    }

    /// Records the connections that `inner` opens.
    pub fn connect<C: Connect>(&self, inner: C) -> RecordConnect<C> {
        RecordConnect::part_of(self.session.clone(), inner, self.folder.clone())
    }

    /// A moment in milliseconds since the recording began: [`HttpRow::at_ms`].
    pub fn ms_at(&self, moment: Instant) -> f64 {
        self.session.ms_at(moment)
    }

    /// Why something is missing, if it is.
    pub fn failure(&self) -> Option<&Error> {
        self.session.failure()
    }

    fn change(&self, change: impl FnOnce(&mut Meta)) {
        let mut meta = self.meta.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut meta);
        self.keep(META, || write_meta(&self.folder, &meta));
    }

    fn keep(&self, name: &str, write: impl FnOnce() -> io::Result<()>) {
        if let Err(error) = write() {
            self.session.fail(Error::file(Path::new(name), "cannot be recorded", error));
        }
    }
}

/// Beside and then in place: a crash leaves the old one or the new one.
fn write_meta(folder: &Path, meta: &Meta) -> io::Result<()> {
    let beside = folder.join("meta.json.new");
    fs::write(&beside, serde_json::to_vec_pretty(meta)?)?;
    fs::rename(beside, folder.join(META))
}
