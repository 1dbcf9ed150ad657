//! The state of a run at one moment.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    NodeId, Untrusted,
    figures::{hundredths, percent, seconds},
};

/// A snapshot of a run, complete in itself: a client that joins late needs no history.
///
/// Its JSON has percentages instead of fractions, and omits the phase, the nodes, the connection and the elapsed time,
/// which are in other events.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Progress {
    /// The phase of the run.
    #[serde(skip)]
    pub phase: Phase,
    /// Overall progress, 0..=1 (in JSON 0–100): the estimated share of the run's time that has passed. It never falls,
    /// and is 1 exactly on confirmed success. `None` without a workflow: it is unknown then, and isn't guessed.
    #[serde(rename = "percent", with = "percent")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>", range(min = 0, max = 100)))]
    pub overall: Option<f64>,
    /// The basis of the overall progress and of the remaining time.
    pub basis: Basis,
    /// The completed share of the work, 0..=1 (in JSON 0–100), by counting nodes and their steps. It never falls
    /// either.
    #[serde(with = "percent")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>", range(min = 0, max = 100)))]
    pub counted: Option<f64>,
    /// Number of settled nodes: done, cached, or no longer needed. Without a workflow, the nodes finished so far.
    pub done: usize,
    /// Number of required nodes, fixed from the start. `None` without a workflow.
    pub total: Option<usize>,
    /// The running nodes, the most recently started first.
    pub current: Vec<CurrentNode>,
    /// Every node of the workflow with its state, in the workflow's order. Without a workflow, the nodes seen so far.
    #[serde(skip)]
    pub nodes: Arc<[NodeProgress]>,
    /// The state of the connection.
    #[serde(skip)]
    pub connection: Connection,
    /// Time since the first sign that the task is running; zero before that.
    #[serde(skip)]
    pub elapsed: Duration,
    /// The remaining time, as a range; in JSON `[low, high]`, in seconds. `None` if it isn't worth showing.
    #[serde(rename = "eta_s")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<[f64; 2]>"))]
    pub eta: Option<Eta>,
}

impl Progress {
    /// Overall progress in percent, 0..=100, as published: rounded to two decimal places, and 100 only for exactly 1.
    pub fn percent(&self) -> Option<f64> {
        self.overall.map(percent::of)
    }
}

/// The basis of the overall progress, from least to most certain.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Basis {
    /// A first run, expected to spend most of its time in node classes that aren't in the table; or a run without a
    /// workflow.
    #[default]
    FirstRun,
    /// A first run, mostly of node classes that are in the table.
    ClassKnown,
    /// Earlier runs of the same workflow.
    Learned,
}

impl Basis {
    /// The word used in output: lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FirstRun => "first_run",
            Self::ClassKnown => "class_known",
            Self::Learned => "learned",
        }
    }
}

/// The phase of a run. `Success`, `Failed` and `Interrupted` are final.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Phase {
    /// Nothing is known yet.
    #[default]
    Waiting,
    /// In the platform's queue.
    Queued,
    /// Nodes are being executed.
    Running,
    /// The socket reports that the run is over; HTTP has yet to confirm how it ended.
    Ended,
    /// Succeeded, and confirmed.
    Success,
    /// A node raised an exception, or the platform gave up.
    Failed,
    /// The run was stopped.
    Interrupted,
}

impl Phase {
    /// Whether the phase can't change anymore.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Success | Self::Failed | Self::Interrupted)
    }

    /// The word used in output: lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Ended => "ended",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// A running node.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct CurrentNode {
    /// The id of the workflow node.
    pub id: NodeId,
    /// Its title, falling back to its class, then its id.
    pub title: Untrusted,
    /// The counter's value as last reported; it may fall, and may exceed `max`.
    pub value: Option<f64>,
    /// The counter's maximum.
    pub max: Option<f64>,
    /// `value / max` within 0..=1 (in JSON 0–100), if both make sense.
    #[serde(rename = "percent", with = "hundredths")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>", range(min = 0, max = 100)))]
    pub fraction: Option<f64>,
    /// The number of the pass, from 1; it increases each time the counter starts over (tiles, several bars).
    pub pass: u32,
    /// The total number of passes, if known from an earlier run.
    pub passes: Option<u32>,
}

impl CurrentNode {
    /// A node in its first pass, whose counter hasn't reported yet.
    pub fn new(id: NodeId, title: Untrusted) -> Self {
        Self { id, title, value: None, max: None, fraction: None, pass: 1, passes: None }
    }

    /// The counter in percent, 0..=100, as published. A full counter doesn't mean that the task is done.
    pub fn percent(&self) -> Option<f64> {
        self.fraction.map(hundredths::of)
    }
}

/// A node and its state.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NodeProgress {
    /// The node's id.
    pub id: NodeId,
    /// The node's state.
    pub state: NodeState,
    /// The highest fraction seen, 0..=1.
    pub fraction: f64,
    /// The maximum of its counter, usually the number of steps; `None` before the first report.
    pub max: Option<f64>,
    /// The number of the counter's pass, from 1.
    pub pass: u32,
}

/// The state of a node.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NodeState {
    /// Not started.
    #[default]
    Waiting,
    /// Running.
    Running,
    /// Executed in this run.
    Done,
    /// Its result came from the server's cache.
    Cached,
    /// Not executed and no longer needed: on a branch not taken, or upstream of a cached result.
    Skipped,
    /// It raised an exception.
    Failed,
}

impl NodeState {
    /// The word used in output: lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Cached => "cached",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

/// The state of the connection.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Connection {
    /// The state of the socket.
    pub state: ConnectionState,
    /// How many times the socket has been dialed, including this time.
    pub attempt: u32,
}

/// The state of the socket.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConnectionState {
    /// No usable URL, or dialing rests: updates come from polls alone.
    #[default]
    Polling,
    /// The first connection is being made.
    Connecting,
    /// Open, and frames arrive.
    Live,
    /// Open, but no frame has arrived recently.
    Stale,
    /// Lost; the socket is being redialed.
    Reconnecting,
}

impl ConnectionState {
    /// The word used in output: lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::Connecting => "connecting",
            Self::Live => "live",
            Self::Stale => "stale",
            Self::Reconnecting => "reconnecting",
        }
    }
}

/// The remaining time, as a range.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(from = "[f64; 2]", into = "[f64; 2]")]
#[non_exhaustive]
pub struct Eta {
    /// The lower end.
    pub low: Duration,
    /// The upper end.
    pub high: Duration,
}

impl From<[f64; 2]> for Eta {
    fn from([low, high]: [f64; 2]) -> Self {
        Self { low: seconds::read(low), high: seconds::read(high) }
    }
}

impl From<Eta> for [f64; 2] {
    fn from(eta: Eta) -> Self {
        [seconds::of(eta.low), seconds::of(eta.high)]
    }
}
