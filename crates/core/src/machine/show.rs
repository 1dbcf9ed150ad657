//! The machine's output: progress, outcome and learned durations.

use std::{cmp::Reverse, sync::Arc, time::Duration};

use super::{
    node::{NodeTrack, Passes},
    state::Machine,
};
use crate::{
    Basis, Connection, CurrentNode, End, Learned, NodeId, NodeProgress, NodeState, Phase, Progress, Untrusted,
};

impl Machine {
    /// How the run ended, as far as the machine knows.
    pub fn outcome(&self) -> End {
        End {
            phase: self.phase,
            outputs: self.pictures.clone(),
            failure: self.failure.clone(),
            learned: self.learned(),
            ..End::default()
        }
    }

    /// Whether the server sent results over the socket.
    pub(crate) fn has_pictures(&self) -> bool {
        !self.pictures.is_empty()
    }

    /// The number of required nodes, if all of them came from the cache: nothing was run.
    pub(crate) fn all_cached(&self) -> Option<usize> {
        let plan = self.plan.as_ref()?;
        let mut required = plan.nodes().iter().zip(&self.nodes).filter(|(node, _)| node.required);
        required.all(|(_, track)| track.cached).then_some(plan.total()).filter(|total| *total > 0)
    }

    /// How long each node took, as weights for later runs of the same workflow. Nodes that ran unobserved are omitted.
    pub fn learned(&self) -> Vec<Learned> {
        let Some(plan) = &self.plan else { return Vec::new() };
        let cold = self.loads_models(plan);
        let nodes = plan.nodes().iter().zip(&self.nodes).enumerate();
        nodes
            .filter_map(|(at, (node, track))| {
                let seconds = match track.state(false) {
                    NodeState::Done => self.booked.seconds(at)?,
                    // A branch that wasn't taken is likely to be skipped again.
                    NodeState::Skipped if self.phase == Phase::Success && self.saw_start => 0.0,
                    _ => return None,
                };
                let one = Learned::new(node.id.clone(), seconds, track.counter.pass);
                Some(Learned { work: node.work, tail: self.booked.tail(at), cold, ..one })
            })
            .collect()
    }

    /// The overall progress as of the last tick or snapshot, 0..=1, as a share of time. `None` without a plan until
    /// success.
    pub fn overall(&self) -> Option<f64> {
        match self.phase {
            Phase::Success => Some(1.0),
            _ => self.plan.as_ref().map(|_| self.estimate.shown()),
        }
    }

    /// The completed share of the nodes, 0..=1. Each node is weighted equally, or by its learned seconds, and its
    /// counter gives its share.
    pub fn counted(&self) -> Option<f64> {
        if self.phase == Phase::Success {
            return Some(1.0);
        }
        let plan = self.plan.as_ref()?;
        let (mut whole, mut done) = (0.0, 0.0);
        for (node, track) in plan.nodes().iter().zip(&self.nodes).filter(|(node, _)| node.required) {
            whole += node.weight;
            done += node.weight * track.contribution();
        }
        let fraction = if whole > 0.0 { done / whole } else { 0.0 };
        // Each share only grows, and the sum has a fixed order, so the figure needs no high-water mark.
        Some(fraction.min(super::estimate::BEFORE_SUCCESS))
    }

    /// Whether any node has started or settled.
    pub(crate) fn has_begun(&self) -> bool {
        self.started > 0 || self.settled > 0
    }

    /// Whether little work is left: silence then justifies an earlier poll.
    pub fn is_near_end(&self) -> bool {
        let Some(plan) = &self.plan else { return true };
        let nodes = plan.nodes().iter().zip(&self.nodes);
        let waiting =
            nodes.filter(|(node, track)| node.required && !track.settled && !self.is_running(track));
        waiting.count() <= 1
    }

    /// Creates a snapshot.
    pub fn progress(&mut self, connection: Connection) -> Progress {
        self.refresh();
        let elapsed = self.running_since.map_or(Duration::ZERO, |since| self.now.saturating_sub(since));
        let done = match &self.plan {
            Some(_) => self.settled,
            None => self.nodes.iter().filter(|track| track.done).count(),
        };
        Progress {
            phase: self.phase,
            overall: self.overall(),
            counted: self.counted(),
            basis: self.plan.as_ref().map_or(Basis::FirstRun, |plan| plan.basis()),
            done,
            total: self.plan.as_ref().map(|plan| plan.total()),
            current: self.current_nodes(),
            nodes: self.node_states(),
            connection,
            elapsed,
            eta: if self.phase == Phase::Running { self.eta() } else { None },
        }
    }

    fn current_nodes(&self) -> Vec<CurrentNode> {
        if self.phase.is_final() {
            return Vec::new();
        }
        let mut running: Vec<_> = self
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, track)| !track.done && self.is_running(track))
            .collect();
        running.sort_by_key(|(at, track)| (Reverse(track.started), *at));
        running.into_iter().map(|(at, track)| self.show(at, track)).collect()
    }

    fn show(&self, at: usize, track: &NodeTrack) -> CurrentNode {
        let counter = track.shown_counter();
        let counted = counter.fraction().is_some();
        CurrentNode {
            value: counted.then_some(counter.value),
            max: counted.then_some(counter.max),
            fraction: counter.fraction(),
            pass: counter.pass,
            passes: self.passes(at).known,
            ..CurrentNode::new(self.id(at), self.title(at))
        }
    }

    fn node_states(&self) -> Arc<[NodeProgress]> {
        self.nodes
            .iter()
            .enumerate()
            .map(|(at, track)| NodeProgress {
                id: self.id(at),
                state: self.state_of(track),
                fraction: track.contribution(),
                max: track.counter.fraction().map(|_| track.counter.max),
                pass: track.counter.pass,
            })
            .collect()
    }

    pub(super) fn state_of(&self, track: &NodeTrack) -> NodeState {
        track.state(self.is_running(track) && !self.phase.is_final())
    }

    /// Whether the newest snapshot, or the newest `executing`, reports the node as running.
    pub(super) fn is_running(&self, track: &NodeTrack) -> bool {
        track.running_in == Some(self.generation)
    }

    pub(super) fn passes(&self, at: usize) -> Passes {
        let node = self.plan.as_ref().and_then(|plan| plan.nodes().get(at));
        node.map_or(Passes { known: None, tiled: false }, |node| Passes {
            known: node.passes,
            tiled: node.tiled,
        })
    }

    pub(super) fn id(&self, at: usize) -> NodeId {
        match &self.plan {
            Some(plan) => plan.nodes().get(at).map(|node| node.id.clone()),
            None => self.seen.id(at).cloned(),
        }
        .unwrap_or_else(|| "".into())
    }

    pub(super) fn title(&self, at: usize) -> Untrusted {
        match &self.plan {
            Some(plan) => plan.nodes().get(at).map(|node| node.title.clone()),
            None => {
                self.seen.id(at).map(|id| self.names.get(id).cloned().unwrap_or_else(|| id.as_str().into()))
            }
        }
        .unwrap_or_default()
    }
}
