//! Keeping a redacted recording of a run.

use std::{path::Path, time::Duration};

use runninghub_api::{ApiKey, Exchange, Finished};
use runninghub_core::TaskId;
use runninghub_transport::{Connect, HttpRow, RecordConnect, RecordingWriter, Redactor};
use serde_json::value::RawValue;

use crate::{Error, ErrorKind};

/// Writes a recording. One that cannot be written does not break the run.
pub(crate) struct Recorder {
    writer: RecordingWriter,
}

impl Recorder {
    pub(crate) fn create(dir: &Path, key: &ApiKey) -> Result<Self, Error> {
        let redactor = Redactor::new().secret(key.expose());
        let writer = RecordingWriter::create(dir, redactor)
            .map_err(|error| Error::new(ErrorKind::Io, "the recording cannot be kept").because(error))?;
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

    pub(crate) fn workflow(&self, text: &str) {
        self.writer.prompt(None, Some(text), Some(200));
    }
}

impl Exchange for Recorder {
    fn finished(&self, exchange: &Finished<'_>) {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        self.writer.http(&HttpRow {
            at_ms: self.writer.now_ms() - ms(exchange.started.elapsed()),
            took_ms: ms(exchange.took),
            method: exchange.method.to_owned(),
            path: exchange.path.to_owned(),
            body: exchange.request.and_then(|body| RawValue::from_string(body.to_owned()).ok()),
            // 0 says that no answer came.
            status: exchange.status.unwrap_or(0),
            text: exchange.response.to_owned(),
        });
    }
}
