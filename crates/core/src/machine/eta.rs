//! How long nodes took, and how long the rest may take.

use std::time::Duration;

use super::{node::NodeTrack, state::Machine};
use crate::{Eta, Plan};

/// No estimate before this much has been seen of the run.
const FIRST_AFTER: Duration = Duration::from_secs(3);
const FIRST_FRACTION: f64 = 0.03;
/// Learned durations are scaled by how this run compares so far, within these bounds.
const SCALE: (f64, f64) = (0.25, 4.0);
/// The range around a figure from learned durations, and around one from the fraction alone.
const LEARNED_RANGE: (f64, f64) = (0.8, 1.3);
const PLAIN_RANGE: (f64, f64) = (0.6, 1.8);
/// The shown figure follows the computed one with this time constant, however often it is looked at.
const SMOOTHING: Duration = Duration::from_secs(3);

/// Durations booked so far.
#[derive(Debug)]
pub(super) struct Estimate {
    /// By position. Booked from one `executing` to the next: start-to-finish times are wrong for nodes that wait for
    /// others.
    booked: Vec<Booking>,
    open: Option<(usize, Duration)>,
    /// The work that was done when the run's first message came, and that time.
    joined: Option<(f64, Duration)>,
    /// The smoothed estimate, as the second when the run will be over, and when it was made.
    shown: Option<(f64, Duration)>,
}

/// What is known of one node's duration.
#[derive(Clone, Debug, Default)]
struct Booking {
    seconds: f64,
    started: bool,
    /// Its beginning, or some time of it, was not seen.
    partial: bool,
}

impl Estimate {
    pub(super) fn new(nodes: usize) -> Self {
        Self { booked: vec![Booking::default(); nodes], open: None, joined: None, shown: None }
    }

    pub(super) fn add_node(&mut self) {
        self.booked.push(Booking::default());
    }

    /// A node begins; what ran before it is booked. `seen` says that this is the beginning itself, not a repetition
    /// for somebody who joined later.
    pub(super) fn start(&mut self, at: Duration, node: usize, seen: bool) {
        self.stop(at);
        self.open = Some((node, at));
        if let Some(booking) = self.booked.get_mut(node) {
            booking.started = true;
            booking.partial |= !seen;
        }
    }

    /// Nothing runs any more.
    pub(super) fn stop(&mut self, at: Duration) {
        if let Some((open, since)) = self.open.take()
            && let Some(booking) = self.booked.get_mut(open)
        {
            booking.seconds += at.saturating_sub(since).as_secs_f64();
        }
    }

    /// News are being missed: how long the running node takes will not be known.
    pub(super) fn lose(&mut self) {
        if let Some((open, _)) = self.open.take()
            && let Some(booking) = self.booked.get_mut(open)
        {
            booking.partial = true;
        }
    }

    /// How long a node took, if all of it was seen.
    pub(super) fn seconds(&self, node: usize) -> Option<f64> {
        self.booked
            .get(node)
            .filter(|booking| booking.started && !booking.partial)
            .map(|booking| booking.seconds)
    }

    /// How long a node has run so far, if all of it was seen.
    fn so_far(&self, node: usize, now: Duration) -> Option<f64> {
        let open = self.open.filter(|(open, _)| *open == node);
        let open = open.map_or(0.0, |(_, since)| now.saturating_sub(since).as_secs_f64());
        self.seconds(node).map(|booked| booked + open)
    }
}

impl Machine {
    /// The first message of the run has come: what it shows as done was done before anybody watched.
    pub(super) fn join(&mut self) {
        if self.estimate.joined.is_none()
            && let Some(plan) = &self.plan
        {
            self.estimate.joined = Some((self.work(plan, NodeTrack::contribution), self.now));
            self.estimate.shown = None;
        }
    }

    /// Sums up the nodes that are work of this run: not those that were cached or skipped.
    fn work(&self, plan: &Plan, wanted: fn(&NodeTrack) -> f64) -> f64 {
        let nodes = plan.nodes().iter().zip(&self.nodes).filter(|(node, _)| node.required);
        nodes
            .filter(|(_, track)| !track.settled || track.done && !track.cached)
            .map(|(node, track)| node.weight * wanted(track))
            .sum()
    }

    /// How this run compares with what was learned, from the nodes that were seen to run.
    fn pace(&self, plan: &Plan) -> f64 {
        let (mut spent, mut expected) = (0.0, 0.0);
        // Nodes without a known number of passes have a weight that was not learned.
        let nodes = plan.nodes().iter().zip(&self.nodes).enumerate();
        for (at, (node, track)) in nodes.filter(|(_, (node, _))| node.passes.is_some()) {
            if let Some(seconds) = self.estimate.so_far(at, self.now) {
                spent += seconds;
                expected += node.weight * track.contribution();
            }
        }
        if expected > 1.0 && spent > 1.0 { (spent / expected).clamp(SCALE.0, SCALE.1) } else { 1.0 }
    }

    pub(super) fn eta(&mut self) -> Option<Eta> {
        let plan = self.plan.clone()?;
        let left = self.work(&plan, |track| 1.0 - track.contribution());
        let (left, (low, high)) = if plan.is_learned() {
            (left * self.pace(&plan), LEARNED_RANGE)
        } else {
            let done = self.work(&plan, NodeTrack::contribution);
            let (done_before, since) = self.estimate.joined?;
            let (gained, watched) = (done - done_before, self.now.saturating_sub(since));
            if watched < FIRST_AFTER || gained < FIRST_FRACTION * (done + left) {
                return None;
            }
            (watched.as_secs_f64() * left / gained, PLAIN_RANGE)
        };
        let end = self.now.as_secs_f64() + left;
        let shown = self.estimate.shown.map_or(end, |(shown, at)| {
            let passed = self.now.saturating_sub(at).as_secs_f64();
            shown + (end - shown) * (1.0 - (-passed / SMOOTHING.as_secs_f64()).exp())
        });
        self.estimate.shown = Some((shown, self.now));
        let left = (shown - self.now.as_secs_f64()).max(0.0);
        Some(Eta {
            low: Duration::try_from_secs_f64(left * low).ok()?,
            high: Duration::try_from_secs_f64(left * high).ok()?,
        })
    }
}
