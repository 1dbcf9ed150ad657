//! The file formats of a recording.

use std::path::{Component, Path};

use runninghub_core::{NodeId, PromptId, TaskId, say};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Error, ErrorKind};

/// The file that describes the recording.
pub(super) const META: &str = "meta.json";
/// The HTTP exchanges.
pub(super) const HTTP: &str = "http.jsonl";
/// The kind stored in a recording's `meta.json`.
pub(super) const KIND: &str = "runninghub-recording";

/// `meta.json`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Meta {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) software: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) about: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) task_id: Option<TaskId>,
    pub(super) prompts: Vec<Prompt>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) results: Vec<RecordedResult>,
}

/// A prompt sent during the recording.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Prompt {
    /// The prompt's id, if it was accepted and the id is known.
    pub prompt_id: Option<PromptId>,
    /// The name of the workflow file. Untrusted; read the file with [`Recording::workflow_text`].
    ///
    /// [`Recording::workflow_text`]: crate::Recording::workflow_text
    pub workflow: Option<String>,
    /// The status of the response.
    pub http_status: Option<u16>,
}

/// A result of the recorded task, measured when it was saved.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct RecordedResult {
    /// The node that produced it; results of models don't name one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_id: Option<NodeId>,
    /// Its kind, such as `png`, as the server names it.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub file_type: Option<String>,
    /// Its size, bytes.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
    /// Its width and height in pixels, if it is an image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<(u64, u64)>,
}

/// One HTTP exchange.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct HttpRow {
    /// When the request was sent, in milliseconds since the recording started.
    pub at_ms: f64,
    /// Time until the response was complete, in milliseconds.
    pub took_ms: f64,
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The request body, as JSON.
    pub body: Option<Box<RawValue>>,
    /// The HTTP status.
    pub status: u16,
    /// The response body.
    pub text: String,
}

/// Returns the name if it refers to a file in the folder itself: recordings are untrusted and must not lead elsewhere.
pub(super) fn plain_name(name: &str) -> Result<&str, Error> {
    let mut components = Path::new(name).components();
    let one = matches!((components.next(), components.next()), (Some(Component::Normal(_)), None));
    if one && !name.contains(['/', '\\', ':', '\0']) {
        return Ok(name);
    }
    let what = say!("the recording refers to a file outside its folder: {name}", name);
    Err(Error::new(ErrorKind::Recording, what))
}
