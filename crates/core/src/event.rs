//! What is said about a run, and how it is published.

use std::{borrow::Cow, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{
    Connection, Cost, Failure, Learned, NodeFile, NodeId, NodeState, Outcome, Output, OutputFile, Phase,
    Plan, Progress, Sentence, SocketUrl, TaskId, TaskStatus, Untrusted, WorkflowId,
    figures::{maybe_seconds, percent, seconds},
};

/// One thing that happened. A stream of these is what every display, recording and test is made from.
///
/// Its JSON is the published format, see [`Line`](crate::Line): fields and events may be added, and never change.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The platform has accepted the task.
    Submitted(Submitted),
    /// What the platform says about the task.
    Status {
        /// Where the task stands.
        status: TaskStatus,
        /// Since the task is being followed; zero for a single request. Seconds in JSON.
        #[serde(rename = "waited_s", with = "seconds")]
        #[cfg_attr(feature = "schema", schemars(with = "f64"))]
        waited: Duration,
        /// Which poll of this task it was, from 1; 0 for a single request. Not in JSON.
        #[serde(skip)]
        poll: u32,
        /// How many tasks run before this one, where it waits and that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ahead: Option<u64>,
    },
    /// The workflow is known: the nodes, and which of them have to run.
    Plan(Arc<Plan>),
    /// The URL of the task's socket is known. In JSON without its ticket; it is not published.
    #[cfg_attr(feature = "schema", schemars(skip))]
    Socket {
        /// The URL.
        #[serde(serialize_with = "masked")]
        url: SocketUrl,
    },
    /// The source of news has changed.
    Connection(Connection),
    /// A newer snapshot, complete by itself. At most ten a second; the last one always.
    Progress(Progress),
    /// A node of the workflow has changed its state.
    Node {
        /// The node.
        id: NodeId,
        /// Its title, else its class, else its id.
        title: Untrusted,
        /// What it is now.
        state: NodeState,
        /// How long it ran, when it is done and its start was seen. Seconds in JSON.
        #[serde(rename = "elapsed_s", with = "maybe_seconds")]
        #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
        elapsed: Option<Duration>,
    },
    /// A preview image, in JSON without its pixels.
    Preview {
        /// The node that is being sampled, where known.
        node_id: Option<NodeId>,
        /// `image/jpeg` or `image/png`.
        mime: Cow<'static, str>,
        /// The size of the image.
        bytes: usize,
        /// The image; empty where the event was read from JSON.
        #[serde(skip)]
        data: Arc<[u8]>,
    },
    /// A node has written files. A cached node reports them again. Not published: a task's results are [`Event::Output`].
    #[cfg_attr(feature = "schema", schemars(skip))]
    Files {
        /// The node.
        node_id: NodeId,
        /// In its order; never empty.
        files: Vec<NodeFile>,
    },
    /// Text that a node shows while it runs.
    Text {
        /// The node.
        node_id: NodeId,
        /// Its title, if no other node of the workflow has it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<Untrusted>,
        /// What it shows.
        text: Untrusted,
    },
    /// A file is on its way, and takes its time.
    Transfer(Transfer),
    /// Something worth knowing that ends nothing.
    Warning {
        /// A short, stable name, for example `blocked` or `poll_failed`.
        code: Cow<'static, str>,
        /// What happened.
        message: Sentence,
    },
    /// The run is over. Always the last event of a run's stream, and not published: [`Event::Result`] has all of it.
    #[cfg_attr(feature = "schema", schemars(skip))]
    Finished(End),
    /// One result of the task.
    Output(Output),
    /// The last line, always.
    Result(Box<Outcome>),
    /// What a newer version has published; all of its JSON.
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
    /// The submit in the ledger of this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt_id: Option<String>,
    /// The workflow, where it is a saved one.
    pub workflow_id: Option<WorkflowId>,
    /// `cn`, `ai`, or `comfyui` for a server.
    pub site: String,
}

/// How far a file is on its way.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Transfer {
    /// Where it goes.
    pub direction: Direction,
    /// Its name, without the folder.
    pub name: String,
    /// What has gone over the line. It falls where the file has to begin again.
    pub bytes: u64,
    /// The whole file, bytes, where that is known.
    pub total: Option<u64>,
    /// Of the total, 0–100.
    pub percent: Option<f64>,
    /// Nothing more will come of it: it is all there, or was given up. Not in JSON.
    #[serde(skip)]
    pub is_over: bool,
}

/// Where a file goes.
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
    /// `Success`, `Failed` or `Interrupted`; anything else when nobody watched to the end.
    pub phase: Phase,
    /// The results that the platform lists.
    pub outputs: Vec<OutputFile>,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// What it cost, if that was told.
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

    /// Whether it is one of the published format. The others are for whoever follows in the same process.
    pub fn is_published(&self) -> bool {
        !matches!(self, Self::Socket { .. } | Self::Files { .. } | Self::Finished(_))
    }
}

impl Transfer {
    /// So many bytes of a file.
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
