//! What this run has shown so far.

use super::{
    super::{node::NodeTrack, state::Machine},
    left,
    loops::Loop,
};
use crate::{NodeState, Plan, PlanNode};

/// What this run has shown so far.
#[derive(Debug, Default)]
pub(in super::super) struct Estimate {
    /// The nodes that have been told as running and not yet as over, in the order of their beginning.
    pub(super) running: Vec<usize>,
    /// Logarithms of how much slower steps were than the table says, and how many.
    pub(super) slower: (f64, f64),
    /// A pace has been measured in this run.
    pub(super) measured: bool,
    pub(super) loops: Vec<Loop>,
    /// The second of the run's first message.
    pub(super) joined: Option<f64>,
    /// What is still to come, until a node begins or ends.
    pub(super) coming: Option<left::Coming>,
    pub(super) left: left::Left,
    /// The overall figure, and the second for which it was made.
    pub(super) shown: f64,
    pub(super) at: Option<f64>,
    /// The second at which the run will be over as it was last shown, and when that was.
    pub(super) eta: Option<(f64, f64)>,
    pub(super) models_loaded: bool,
}

/// A single measured pace outweighs the table so much.
const LESSON: f64 = 1.5;
/// And the table counts as this much evidence itself.
const TABLE: f64 = 0.25;
/// Machines differ by a factor of a hundred; more is a broken clock.
const SLOWER: (f64, f64) = (0.01, 300.0);

impl Estimate {
    /// The overall figure as of the last look.
    pub(in super::super) fn shown(&self) -> f64 {
        self.shown
    }

    /// The state of a node has changed.
    pub(super) fn changed(&mut self) {
        self.coming = None;
    }
}

impl Machine {
    /// A node is about to be told to be in this state.
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

    /// A connection was opened: how far the running nodes came meanwhile is unknown.
    pub(in super::super) fn lose_pace(&mut self) {
        for at in &self.estimate.running {
            if let Some(track) = self.nodes.get_mut(*at) {
                track.unseen = true;
                track.counter.steps.lose();
            }
        }
    }

    /// The first message of the run has come: what it shows as done was done before anybody watched.
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

    /// Whether this run loads models that the server did not have: a loader has run, or is still to run.
    pub(in super::super) fn loads_models(&self, plan: &Plan) -> bool {
        let loaders = self.nodes.iter().zip(plan.nodes());
        let mut loaders = loaders.filter(|(_, node)| node.required && node.expected.loads);
        loaders.any(|(track, _)| !track.cached && (track.started > 0 || !track.settled))
    }

    /// How much slower this machine is than the one of the table: 5 is five times as slow.
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

/// How much slower a node's steps are than the table says, if they are that kind of steps.
fn slower(track: &NodeTrack, node: &PlanNode) -> Option<f64> {
    let expected = node.expected;
    if !expected.is_stepped() || node.memories.is_some() {
        return None;
    }
    let pace = track.counter.steps.pace()?;
    Some((pace / expected.step.max(1e-6)).clamp(SLOWER.0, SLOWER.1))
}
