//! Facts observed in this run so far.

use super::{
    super::{node::NodeTrack, state::Machine},
    left,
    loops::Loop,
};
use crate::{NodeState, Plan, PlanNode};

/// Facts observed in this run so far.
#[derive(Debug, Default)]
pub(in super::super) struct Estimate {
    /// Nodes reported as running and not yet as finished, in start order.
    pub(super) running: Vec<usize>,
    /// Sum of the logarithms of measured slowdowns relative to the table, and their count.
    pub(super) slower: (f64, f64),
    /// Whether a pace has been measured in this run.
    pub(super) measured: bool,
    pub(super) loops: Vec<Loop>,
    /// The time of the run's first message, in seconds.
    pub(super) joined: Option<f64>,
    /// Cached sum of the remaining work; cleared when a node starts or ends.
    pub(super) coming: Option<left::Coming>,
    pub(super) left: left::Left,
    /// The overall fraction, and the time in seconds for which it was computed.
    pub(super) shown: f64,
    pub(super) at: Option<f64>,
    /// The end time of the run as last shown, and when it was shown, in seconds.
    pub(super) eta: Option<(f64, f64)>,
    pub(super) models_loaded: bool,
}

/// Weight of a single measured pace relative to the table.
const LESSON: f64 = 1.5;
/// Weight of the table itself as evidence.
const TABLE: f64 = 0.25;
/// Machines differ by a factor of a hundred; anything beyond is a broken clock.
const SLOWER: (f64, f64) = (0.01, 300.0);

impl Estimate {
    /// The overall fraction as of the last refresh.
    pub(in super::super) fn shown(&self) -> f64 {
        self.shown
    }

    /// A node's state has changed.
    pub(super) fn changed(&mut self) {
        self.coming = None;
    }
}

impl Machine {
    /// Called before a node is reported in this state.
    pub(in super::super) fn changes(&mut self, at: usize, state: NodeState) {
        self.estimate.changed();
        let Some(plan) = self.plan.clone() else { return };
        let (Some(track), Some(node)) = (self.nodes.get_mut(at), plan.nodes().get(at)) else { return };
        let now = self.now.as_secs_f64();
        if state == NodeState::Running {
            (track.since, track.unseen) = (now, track.started_at.is_none());
            if !self.estimate.running.contains(&at) {
                self.estimate.running.push(at);
            }
            if !node.required {
                self.differs(node.id.as_str());
            }
            return;
        }
        let Some(place) = self.estimate.running.iter().position(|running| *running == at) else { return };
        self.estimate.running.remove(place);
        let steps = &track.counter.steps;
        if steps.reports() > 0 {
            self.booked.end(at, steps.silent(now));
        }
        self.estimate.measured |= steps.reports() >= 2;
        if let Some(slower) = slower(track, node) {
            self.estimate.slower.0 += LESSON * slower.ln();
            self.estimate.slower.1 += LESSON;
        }
    }

    /// A connection was opened: the progress of the running nodes in between is unknown.
    pub(in super::super) fn lose_pace(&mut self) {
        for at in &self.estimate.running {
            if let Some(track) = self.nodes.get_mut(*at) {
                track.unseen = true;
                track.counter.steps.lose();
            }
        }
    }

    /// The run's first message: nodes it reports as done were done before this client joined.
    pub(in super::super) fn join(&mut self) {
        if self.estimate.joined.is_none() && self.plan.is_some() {
            self.estimate.joined = Some(self.now.as_secs_f64());
            self.estimate.eta = None;
            self.estimate.changed();
            for track in &mut self.nodes {
                track.missed = track.settled && !track.cached;
            }
        }
    }

    /// Whether this run loads models the server didn't have: a loader has run, or is still to run.
    pub(in super::super) fn loads_models(&self, plan: &Plan) -> bool {
        let loaders = self.nodes.iter().zip(plan.nodes());
        let mut loaders = loaders.filter(|(_, node)| node.required && node.expected.loads);
        loaders.any(|(track, _)| !track.cached && (track.started > 0 || !track.settled))
    }

    /// How much slower this machine is than the table's reference machine: 5 is five times as slow.
    pub(super) fn slower(&self) -> f64 {
        let (mut sum, mut weight) = self.estimate.slower;
        let node = |at: usize| self.plan.as_ref()?.nodes().get(at);
        let mut running = self.estimate.running.iter();
        if let Some(slower) = running.find_map(|at| slower(self.nodes.get(*at)?, node(*at)?)) {
            sum += LESSON * slower.ln();
            weight += LESSON;
        }
        (sum / (weight + TABLE)).exp()
    }
}

/// How much slower a node's steps are than the table says, if the node has comparable steps.
fn slower(track: &NodeTrack, node: &PlanNode) -> Option<f64> {
    let expected = node.expected;
    if !expected.is_stepped() || node.memories.is_some() {
        return None;
    }
    let pace = track.counter.steps.pace()?;
    Some((pace / expected.step.max(1e-6)).clamp(SLOWER.0, SLOWER.1))
}
