//! Writes a redacted recording of a run.

use std::{path::Path, sync::Arc};

use runninghub_api::ApiKey;
use runninghub_core::{Sentence, TaskId, say};
use runninghub_net::{Exchange, NetOptions};
use runninghub_transport::{Connect, HttpRow, RecordConnect, RecordingWriter, Redactor};
use serde_json::value::RawValue;

use crate::{Error, ErrorKind, sentence_of};

/// Writes a recording. A write error does not stop the run.
pub(crate) struct Recorder {
    writer: RecordingWriter,
}

impl Recorder {
    fn create(dir: &Path, key: Option<&ApiKey>) -> Result<Self, Error> {
        let redactor = key.map_or_else(Redactor::new, |key| Redactor::new().secret(key.expose()));
        let writer = RecordingWriter::create(dir, redactor).map_err(|error| {
            Error::new(ErrorKind::Io, say!("the recording cannot be written")).with_source(error)
        })?;
        Ok(Self { writer })
    }

    pub(crate) fn connect<C: Connect>(&self, inner: C) -> RecordConnect<C> {
        self.writer.connect(inner)
    }

    pub(crate) fn secret(&self, secret: &str) {
        self.writer.secret(secret);
    }

    pub(crate) fn address(&self, address: &str) {
        self.writer.address(address);
    }

    pub(crate) fn task(&self, id: &TaskId) {
        self.writer.task(id);
    }

    /// Why the recording is incomplete, if it is.
    pub(crate) fn failure(&self) -> Option<Sentence> {
        self.writer.failure().map(|error| sentence_of(error))
    }

    pub(crate) fn workflow(&self, text: &str) {
        self.writer.prompt(None, Some(text), Some(200));
    }

    pub(crate) fn prompt(&self, id: &str, text: &str) {
        self.writer.prompt(Some(&id.into()), Some(text), Some(200));
    }

    fn exchange(&self, exchange: &Exchange<'_>) {
        self.writer.http(&HttpRow {
            at_ms: self.writer.ms_at(exchange.started),
            took_ms: exchange.took.as_secs_f64() * 1000.0,
            method: exchange.method.to_owned(),
            path: exchange.path.to_owned(),
            body: exchange.request.and_then(|body| RawValue::from_string(body.to_owned()).ok()),
            // 0 means that there was no response.
            status: exchange.status.unwrap_or(0),
            text: exchange.response.to_owned(),
        });
    }
}

/// The recorder for a folder, if a recording is wanted, and the options that record the requests.
pub(crate) fn recording(
    dir: Option<&Path>,
    key: Option<&ApiKey>,
    net: NetOptions,
) -> Result<(Option<Arc<Recorder>>, NetOptions), Error> {
    let Some(dir) = dir else { return Ok((None, net)) };
    let recorder = Arc::new(Recorder::create(dir, key)?);
    if let Some(proxy) = net.proxy_url() {
        recorder.address(proxy);
    }
    let writer = Arc::clone(&recorder);
    Ok((Some(recorder), net.observer(move |exchange| writer.exchange(exchange))))
}
