//! Writes a redacted recording of a run.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use runninghub_api::ApiKey;
use runninghub_core::{Place, Sentence, TaskId, say};
use runninghub_net::{Exchange, NetOptions};
use runninghub_transport::{Connect, HttpRow, RecordConnect, RecordedResult, RecordingWriter, Redactor};
use serde_json::value::RawValue;

use crate::{
    Error, ErrorKind, Submit,
    recorded::{self, Recorded},
    save::Saved,
    sentence_of,
};

/// Where and how to record a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    pub(crate) dir: Option<PathBuf>,
    pub(crate) previews: bool,
}

/// Writes a recording. A write error does not stop the run.
pub(crate) struct Recorder {
    writer: RecordingWriter,
    dir: PathBuf,
}

impl Recorder {
    fn create(dir: &Path, previews: bool, key: Option<&ApiKey>) -> Result<Self, Error> {
        let redactor = key.map_or_else(Redactor::new, |key| Redactor::new().secret(key.expose()));
        let writer = RecordingWriter::create(dir, redactor).map_err(|error| {
            Error::new(ErrorKind::Io, say!("the recording cannot be written")).with_source(error)
        })?;
        Ok(Self { writer: writer.keep_previews(previews), dir: dir.to_owned() })
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

    /// The submit, for [`write_submit`](Self::write_submit) once it is accepted.
    pub(crate) async fn submit(&self, submit: &Submit, place: &Place) -> Recorded {
        Recorded::of(submit, place, &self.dir).await
    }

    pub(crate) fn write_submit(&self, submit: &Recorded) {
        self.writer.file(recorded::FILE, &submit.text());
    }

    /// Measures the saved results. Reads the head of each file.
    pub(crate) fn results(&self, of: &TaskId, saved: &[Saved]) {
        let measured = saved.iter().filter_map(|one| {
            let file = one.file.as_ref().ok()?;
            Some(RecordedResult {
                node_id: one.output.node_id.clone(),
                file_type: one.output.file_type.clone(),
                bytes: file.bytes,
                sha256: file.sha256.clone(),
                dimensions: dimensions(&file.path),
            })
        });
        self.writer.results(of, measured);
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

/// The width and height of an image in pixels, from the header of its file. `None` if it isn't an image.
pub fn dimensions(path: impl AsRef<Path>) -> Option<(u64, u64)> {
    let size = imagesize::size(path).ok()?;
    Some((size.width.try_into().ok()?, size.height.try_into().ok()?))
}

/// The recorder for a folder, if a recording is requested, and the options that record requests.
pub(crate) fn recording(
    record: &Record,
    key: Option<&ApiKey>,
    net: NetOptions,
) -> Result<(Option<Arc<Recorder>>, NetOptions), Error> {
    let Some(dir) = &record.dir else { return Ok((None, net)) };
    let recorder = Arc::new(Recorder::create(dir, record.previews, key)?);
    if let Some(proxy) = net.proxy_url() {
        recorder.address(proxy);
    }
    let writer = Arc::clone(&recorder);
    Ok((Some(recorder), net.observer(move |exchange| writer.exchange(exchange))))
}
