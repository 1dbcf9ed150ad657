//! What is known of a run at one moment.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    NodeId, Untrusted,
    figures::{hundredths, percent, seconds},
};

/// One snapshot, complete by itself: who joins late needs this and no history.
///
/// Its JSON has percent instead of fractions, and leaves out the phase, the nodes, the connection and the time that has
/// passed: other events have those.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Progress {
    /// Where the run stands.
    #[serde(skip)]
    pub phase: Phase,
    /// The overall figure, 0..=1 (in JSON 0–100): the share of the run's time that has passed, as far as can be told. It
    /// never falls and is 1 exactly on confirmed success. `None` while there is no workflow: it is unknown then, and not
    /// guessed.
    #[serde(rename = "percent", with = "percent")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>", range(min = 0, max = 100)))]
    pub overall: Option<f64>,
    /// What the overall figure and the time that is left rest on.
    pub basis: Basis,
    /// The share of the work that is done, 0..=1 (in JSON 0–100), by counting nodes and their steps. It never falls either.
    #[serde(with = "percent")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>", range(min = 0, max = 100)))]
    pub counted: Option<f64>,
    /// Settled nodes: done, cached, or no longer needed. Without a workflow the nodes finished so far.
    pub done: usize,
    /// Required nodes, fixed from the start. `None` without a workflow.
    pub total: Option<usize>,
    /// What runs now, the node started last first.
    pub current: Vec<CurrentNode>,
    /// Every node of the workflow with its state, in the workflow's order. Without a workflow the nodes seen so far.
    #[serde(skip)]
    pub nodes: Arc<[NodeProgress]>,
    /// Where the news come from.
    #[serde(skip)]
    pub connection: Connection,
    /// Since the first sign that the task runs; zero before.
    #[serde(skip)]
    pub elapsed: Duration,
    /// What is left, as a range, in JSON `[low, high]` in seconds. `None` while it is not worth showing.
    #[serde(rename = "eta_s")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<[f64; 2]>"))]
    pub eta: Option<Eta>,
}

impl Progress {
    /// The overall figure in percent, 0..=100, as it is published: with two digits after the point, and 100 only for 1.
    pub fn percent(&self) -> Option<f64> {
        self.overall.map(percent::of)
    }
}

/// What the overall figure rests on, from the least certain to the most.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Basis {
    /// A first run, most of whose time goes to classes of nodes that are not in the table; or no workflow at all.
    #[default]
    FirstRun,
    /// A first run of classes that are in the table.
    ClassKnown,
    /// An earlier run of the same workflow.
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

/// Where a run stands. `Success`, `Failed` and `Interrupted` are final.
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
    /// The socket says that the run is over; what came of it must be asked over HTTP.
    Ended,
    /// Over, confirmed.
    Success,
    /// A node raised, or the platform gave up.
    Failed,
    /// Somebody stopped it.
    Interrupted,
}

impl Phase {
    /// Whether nothing will change any more.
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

/// A node that runs now.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct CurrentNode {
    /// The node of the workflow.
    pub id: NodeId,
    /// Its title, else its class, else its id.
    pub title: Untrusted,
    /// The counter as the node last reported it; it may fall, and may pass `max`.
    pub value: Option<f64>,
    /// What the counter runs to.
    pub max: Option<f64>,
    /// `value / max` within 0..=1 (in JSON 0–100), if both make sense.
    #[serde(rename = "percent", with = "hundredths")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>", range(min = 0, max = 100)))]
    pub fraction: Option<f64>,
    /// 1 for the first pass; one more each time the counter starts over (tiles, several bars).
    pub pass: u32,
    /// How many passes there will be, if an earlier run has shown it.
    pub passes: Option<u32>,
}

impl CurrentNode {
    /// A node in its first pass, whose counter has shown nothing yet.
    pub fn new(id: NodeId, title: Untrusted) -> Self {
        Self { id, title, value: None, max: None, fraction: None, pass: 1, passes: None }
    }

    /// The counter in percent, 0..=100, as it is published. A full counter promises nothing about the task.
    pub fn percent(&self) -> Option<f64> {
        self.fraction.map(hundredths::of)
    }
}

/// A node and what has become of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NodeProgress {
    /// The node's id.
    pub id: NodeId,
    /// What has become of it.
    pub state: NodeState,
    /// Highest fraction seen, 0..=1.
    pub fraction: f64,
}

/// What has become of a node.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NodeState {
    /// Not begun.
    #[default]
    Waiting,
    /// Running.
    Running,
    /// Executed in this run.
    Done,
    /// Its result came from the server's cache.
    Cached,
    /// Not executed and no longer needed: a branch not taken, or something above a cached result.
    Skipped,
    /// It raised.
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

/// Where the news come from.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Connection {
    /// The state of the socket.
    pub state: ConnectionState,
    /// How many times the socket has been dialled, this time included.
    pub attempt: u32,
}

/// The state of the socket.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConnectionState {
    /// No address is known: HTTP alone tells.
    #[default]
    Polling,
    /// The first connection is being made.
    Connecting,
    /// Open, and frames come.
    Live,
    /// Open, but nothing has come for a while.
    Stale,
    /// Lost; it is being dialled again.
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

/// The time that is left, as a range.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(from = "[f64; 2]", into = "[f64; 2]")]
#[non_exhaustive]
pub struct Eta {
    /// At best.
    pub low: Duration,
    /// At worst.
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
