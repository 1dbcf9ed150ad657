//! What a run tells whoever watches it.

use std::{sync::Arc, time::Duration};

use crate::{
    Connection, Cost, Failure, Learned, NodeFile, NodeId, NodeState, OutputFile, Phase, Plan, Progress,
    SocketUrl, TaskStatus, Untrusted,
};

/// One thing that happened. A stream of these is what every display, recording and test is made from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The workflow is known: the nodes, and which of them have to run.
    Plan(Arc<Plan>),
    /// An HTTP answer on the task's status.
    Status {
        /// Where the task stands.
        status: TaskStatus,
        /// Since the task is being followed.
        waited: Duration,
        /// Which poll of this task it was, from 1.
        poll: u32,
        /// How many tasks run before this one, where it waits and that is known.
        ahead: Option<u64>,
    },
    /// The address of the task's socket is known.
    Socket(SocketUrl),
    /// The source of news has changed.
    Connection(Connection),
    /// A newer snapshot. At most ten a second; the last one always.
    Progress(Progress),
    /// A node of the workflow has changed its state.
    Node {
        /// The node.
        id: NodeId,
        /// Its title, else its class, else its id.
        title: Untrusted,
        /// What it is now.
        state: NodeState,
        /// How long it ran, when it is done and its start was seen.
        elapsed: Option<Duration>,
    },
    /// A preview picture.
    Preview {
        /// The node that is being sampled, where known.
        node_id: Option<NodeId>,
        /// `image/jpeg` or `image/png`.
        mime: &'static str,
        /// The picture.
        data: Arc<[u8]>,
    },
    /// A node has written files. A cached node tells them again.
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
        /// What it says.
        text: Untrusted,
    },
    /// Something worth knowing that ends nothing.
    Warning {
        /// A short, stable name, for example `blocked` or `poll_failed`.
        code: &'static str,
        /// What happened.
        message: Untrusted,
    },
    /// The run is over. Always the last event.
    Finished(End),
}

/// How a run ended.
#[derive(Clone, Debug, Default)]
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
    /// How long each node took: weights for the next run of the same workflow.
    pub learned: Vec<Learned>,
}
