//! What is known of a run at one moment.

use std::{sync::Arc, time::Duration};

use crate::{NodeId, Untrusted};

/// One snapshot, complete by itself: who joins late needs this and no history.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Where the run stands.
    pub phase: Phase,
    /// The overall figure, 0..=1: the share of the run's time that has passed, as far as can be told. It never falls and
    /// is 1 exactly on confirmed success. `None` while there is no workflow: it is unknown then, and not guessed.
    pub overall: Option<f64>,
    /// The share of the work that is done, 0..=1, by counting nodes and their steps. It never falls either.
    pub counted: Option<f64>,
    /// What the overall figure and the time that is left rest on.
    pub basis: Basis,
    /// Settled nodes: done, cached, or no longer needed. Without a workflow the nodes finished so far.
    pub done: usize,
    /// Required nodes, fixed from the start. `None` without a workflow.
    pub total: Option<usize>,
    /// What runs now, the node started last first.
    pub current: Vec<CurrentNode>,
    /// Every node of the workflow with its state, in the workflow's order. Without a workflow the nodes seen so far.
    pub nodes: Arc<[NodeProgress]>,
    /// Where the news come from.
    pub connection: Connection,
    /// Since the first sign that the task runs; zero before.
    pub elapsed: Duration,
    /// What is left, as a range. `None` while it is not worth showing.
    pub eta: Option<Eta>,
}

impl Progress {
    /// The overall figure in percent, 0..=100.
    pub fn percent(&self) -> Option<f64> {
        self.overall.map(|fraction| fraction * 100.0)
    }
}

/// What the overall figure rests on, from the least certain to the most.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
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
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
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
#[derive(Clone, Debug, PartialEq)]
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
    /// `value / max` within 0..=1, if both make sense.
    pub fraction: Option<f64>,
    /// 1 for the first pass; one more each time the counter starts over (tiles, several bars).
    pub pass: u32,
    /// How many passes there will be, if an earlier run has shown it.
    pub passes: Option<u32>,
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
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
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
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Connection {
    /// The state of the socket.
    pub state: ConnectionState,
    /// How many times the socket has been dialled, this time included.
    pub attempt: u32,
}

/// The state of the socket.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
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
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Eta {
    /// At best.
    pub low: Duration,
    /// At worst.
    pub high: Duration,
}
