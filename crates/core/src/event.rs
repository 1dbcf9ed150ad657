//! The events of a run, and their published JSON.

use std::{borrow::Cow, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{
    Connection, Cost, Failure, Learned, NodeFile, NodeId, NodeState, Outcome, Output, OutputFile, Phase,
    Plan, Progress, Sentence, SocketUrl, TaskId, TaskStatus, Untrusted, WorkflowId,
    figures::{maybe_seconds, percent, seconds},
};

/// Something that happened during a run. Displays, recordings and tests all work from a stream of these.
///
/// Its JSON is the published format (see [`Line`](crate::Line)): fields and events may be added, but existing ones
/// never change.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The platform accepted the task.
    Submitted(Submitted),
    /// The platform reported the task's status.
    Status {
        /// The status.
        status: TaskStatus,
        /// Time since following began; zero for a single request. Seconds in JSON.
        #[serde(rename = "waited_s", with = "seconds")]
        #[cfg_attr(feature = "schema", schemars(with = "f64"))]
        waited: Duration,
        /// The number of the poll, from 1; 0 for a single request. Not in JSON.
        #[serde(skip)]
        poll: u32,
        /// The number of tasks that run before this one, if it is queued and the number is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ahead: Option<u64>,
    },
    /// The workflow is known: its nodes, and which of them have to run.
    Plan(Arc<Plan>),
    /// The URL of the task's socket is known. Not published; its JSON omits the ticket.
    #[cfg_attr(feature = "schema", schemars(skip))]
    Socket {
        /// The URL.
        #[serde(serialize_with = "masked")]
        url: SocketUrl,
    },
    /// The state of the socket changed.
    Connection(Connection),
    /// A newer snapshot, complete in itself. At most ten per second, and always the final one.
    Progress(Progress),
    /// A node of the workflow changed state.
    Node {
        /// The node.
        id: NodeId,
        /// Its title, falling back to its class, then its id.
        title: Untrusted,
        /// Its new state.
        state: NodeState,
        /// How long it ran, if it is done or failed and its start was seen. Seconds in JSON.
        #[serde(rename = "elapsed_s", with = "maybe_seconds")]
        #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
        elapsed: Option<Duration>,
    },
    /// A preview image. Its JSON omits the image data.
    Preview {
        /// The node being sampled, if known.
        node_id: Option<NodeId>,
        /// `image/jpeg` or `image/png`.
        mime: Cow<'static, str>,
        /// The size of the image, in bytes.
        bytes: usize,
        /// The image; empty if the event was read from JSON.
        #[serde(skip)]
        data: Arc<[u8]>,
    },
    /// A node wrote files. A cached node reports its files again. Not published: a task's results are
    /// [`Event::Output`].
    #[cfg_attr(feature = "schema", schemars(skip))]
    Files {
        /// The node.
        node_id: NodeId,
        /// The files, in the node's order; never empty.
        files: Vec<NodeFile>,
    },
    /// Text that a node shows while it runs.
    Text {
        /// The node.
        node_id: NodeId,
        /// Its title, if no other node of the workflow has the same one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<Untrusted>,
        /// The text.
        text: Untrusted,
    },
    /// The progress of an upload or download that takes a while.
    Transfer(Transfer),
    /// A warning that doesn't end the run.
    Warning {
        /// A short, stable name, for example `blocked` or `poll_failed`.
        code: Cow<'static, str>,
        /// The message.
        message: Sentence,
    },
    /// The run is over. Always the last event of a run's stream. Not published: [`Event::Result`] contains the same
    /// information.
    #[cfg_attr(feature = "schema", schemars(skip))]
    Finished(End),
    /// One result of the task.
    Output(Output),
    /// The outcome. Always the last line.
    Result(Box<Outcome>),
    /// An event published by a newer version, with all its JSON.
    #[serde(untagged)]
    #[cfg_attr(feature = "schema", schemars(skip, !untagged))]
    Other(Map<String, Value>),
}

/// A task that was accepted.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Submitted {
    /// The task.
    pub task_id: TaskId,
    /// The id of the submit in this machine's ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt_id: Option<String>,
    /// The workflow, if it is a saved one.
    pub workflow_id: Option<WorkflowId>,
    /// `cn`, `ai`, or `comfyui` for a ComfyUI server.
    pub site: String,
}

/// The progress of a transfer.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Transfer {
    /// The direction.
    pub direction: Direction,
    /// The file's name, without its folder.
    pub name: String,
    /// Bytes transferred so far. Decreases if the transfer starts over.
    pub bytes: u64,
    /// The size of the whole file in bytes, if known.
    pub total: Option<u64>,
    /// The transferred share of the total, 0–100.
    pub percent: Option<f64>,
    /// The transfer has ended: it is complete, or was given up. Not in JSON.
    #[serde(skip)]
    pub is_over: bool,
}

/// The direction of a transfer.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Direction {
    /// From this machine: an upload.
    #[serde(rename = "upload")]
    Up,
    /// To this machine: a download.
    #[serde(rename = "download")]
    Down,
}

/// How a run ended.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[non_exhaustive]
pub struct End {
    /// `Success`, `Failed` or `Interrupted`; any other phase if the run wasn't followed to its end.
    pub phase: Phase,
    /// The results as listed by the platform.
    pub outputs: Vec<OutputFile>,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// The cost, if reported.
    pub cost: Option<Cost>,
    /// How long each node took: weights for the next run of the same workflow. Not in JSON.
    #[serde(skip)]
    pub learned: Vec<Learned>,
}

impl Event {
    /// A warning.
    pub fn warning(code: impl Into<Cow<'static, str>>, message: Sentence) -> Self {
        Self::Warning { code: code.into(), message }
    }

    /// Whether the event is part of the published format. The others are only for code in the same process.
    pub fn is_published(&self) -> bool {
        !matches!(self, Self::Socket { .. } | Self::Files { .. } | Self::Finished(_))
    }
}

impl Transfer {
    /// Creates a report of this many bytes, and computes the percentage.
    pub fn new(
        direction: Direction,
        name: impl Into<String>,
        bytes: u64,
        total: Option<u64>,
        is_over: bool,
    ) -> Self {
        let fraction = |total| if total > 0 { bytes as f64 / total as f64 } else { 1.0 };
        let percent = total.map(|total| percent::of(fraction(total)));
        Self { direction, name: name.into(), bytes, total, percent, is_over }
    }
}

fn masked<S: Serializer>(url: &SocketUrl, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&url.masked())
}
