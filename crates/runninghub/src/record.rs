//! Keeping a redacted recording of a run.

use std::{path::Path, time::Duration};

use runninghub_api::{ApiKey, Exchange, Finished};
use runninghub_core::TaskId;
use runninghub_transport::{Connect, HttpRow, RecordConnect, RecordingWriter, Redactor};
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::{Error, ErrorKind, chain};

/// Writes a recording. One that cannot be written does not break the run.
pub(crate) struct Recorder {
    writer: RecordingWriter,
}

impl Recorder {
    pub(crate) fn create(dir: &Path, key: &ApiKey) -> Result<Self, Error> {
        let redactor = Redactor::new().secret(key.expose());
        let writer = RecordingWriter::create(dir, redactor)
            .map_err(|error| Error::new(ErrorKind::Io, "the recording cannot be kept").with_source(error))?;
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

    /// Why something is missing, if it is.
    pub(crate) fn failure(&self) -> Option<String> {
        self.writer.failure().map(|error| chain(error))
    }

    pub(crate) fn workflow(&self, text: &str) {
        self.writer.prompt(None, Some(text), Some(200));
    }

    pub(crate) fn prompt(&self, id: &str, text: &str) {
        self.writer.prompt(Some(&id.into()), Some(text), Some(200));
    }

    /// An exchange with a ComfyUI.
    pub(crate) fn comfy(&self, exchange: &runninghub_comfyui::Exchange<'_>) {
        self.row(
            exchange.method,
            exchange.path,
            exchange.request,
            exchange.status,
            exchange.response,
            (exchange.started.into(), exchange.took),
        );
    }

    fn row(
        &self,
        method: &str,
        path: &str,
        body: Option<&str>,
        status: Option<u16>,
        text: &str,
        (started, took): (Instant, Duration),
    ) {
        self.writer.http(&HttpRow {
            at_ms: self.writer.ms_at(started),
            took_ms: took.as_secs_f64() * 1000.0,
            method: method.to_owned(),
            path: path.to_owned(),
            body: body.and_then(|body| RawValue::from_string(body.to_owned()).ok()),
            // 0 says that no answer came.
            status: status.unwrap_or(0),
            text: text.to_owned(),
        });
    }
}

impl Exchange for Recorder {
    fn finished(&self, exchange: &Finished<'_>) {
        self.row(
            exchange.method,
            exchange.path,
            exchange.request,
            exchange.status,
            exchange.response,
            (exchange.started, exchange.took),
        );
    }
}
