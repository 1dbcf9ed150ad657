//! One node's share of the work.

use std::{collections::BTreeMap, time::Duration};

use super::estimate::Steps;
use crate::{NodeId, NodeState};

/// A running node never counts as complete; only a done node does.
const RUNNING_CAP: f64 = 0.99;
/// The same for a node with running children, because their number is unknown in advance.
const CHILDREN_CAP: f64 = 0.95;
/// How fast the share of a multi-pass node approaches its cap: half the cap is reached after this many passes.
const TILED_HALF: f64 = 1.5;
/// At or above this fraction a pass is complete, and a lower value afterwards starts a new pass.
const WHOLE: f64 = 0.999;

/// Children come from frames alone; the limit keeps a hostile server from filling memory.
const MOST_CHILDREN: usize = 10_000;

/// The known state of a node. Everything that feeds the overall figure only grows.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not states of one thing")]
pub(super) struct NodeTrack {
    /// Executed, or its result was cached. Sticky.
    pub(super) done: bool,
    pub(super) cached: bool,
    pub(super) failed: bool,
    /// Done, or no longer needed.
    pub(super) settled: bool,
    /// The snapshot (or message) that last reported it as running.
    pub(super) running_in: Option<u64>,
    /// Start order from 1, used for display; 0 before the start.
    pub(super) started: u64,
    /// The start time, if it was observed and the connection has held since.
    pub(super) started_at: Option<Duration>,
    /// Time of the start, or of the first report as running, in seconds.
    pub(super) since: f64,
    /// Part of its run, possibly the start, was not observed.
    pub(super) unseen: bool,
    /// It finished before this client joined.
    pub(super) missed: bool,
    /// It is in the body of a native loop, which is counted as a whole.
    pub(super) looped: bool,
    pub(super) counter: Counter,
    /// Nodes of its expansion. Sorted, so that their sum doesn't depend on hash order.
    children: BTreeMap<NodeId, Child>,
    /// The child that reported last.
    active: Option<NodeId>,
    /// The last state reported in an event.
    pub(super) reported: NodeState,
}

/// A node created by an expansion.
#[derive(Debug, Default)]
pub(super) struct Child {
    done: bool,
    counter: Counter,
    /// Time at which it was first seen, in seconds.
    since: f64,
    /// Its duration in seconds, once it is done.
    took: f64,
}

/// A node's progress bar as reported.
#[derive(Debug)]
pub(super) struct Counter {
    pub(super) value: f64,
    pub(super) max: f64,
    /// Fraction of the current pass, as reported.
    now: f64,
    /// Highest fraction of the current pass.
    high: f64,
    pub(super) pass: u32,
    /// The resulting share of the node's whole work.
    share: f64,
    pub(super) steps: Steps,
}

impl Default for Counter {
    fn default() -> Self {
        Self { value: 0.0, max: 0.0, now: 0.0, high: 0.0, pass: 1, share: 0.0, steps: Steps::default() }
    }
}

/// The node's number of passes, as known from an earlier run or from its class.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passes {
    pub(super) known: Option<u32>,
    pub(super) tiled: bool,
}

impl Counter {
    /// Records a report; `max` of zero or less is ignored.
    pub(super) fn report(&mut self, value: f64, max: f64, passes: Passes, now: f64) {
        if max <= 0.0 || (value, max) == (self.value, self.max) {
            return;
        }
        let fraction = (value / max).clamp(0.0, 1.0);
        if value < self.value && self.is_restart(value, fraction) {
            self.pass = self.pass.saturating_add(1);
            self.high = 0.0;
            self.steps.start_over();
        }
        self.steps.report(value.clamp(0.0, max), now);
        (self.value, self.max, self.now) = (value, max, fraction);
        self.high = self.high.max(fraction);
        // The share only grows: within a pass the highest count holds, and a new pass counts the earlier ones as
        // complete.
        self.share = self.compute_share(passes);
    }

    /// A counter starts a new pass when it drops far after a complete count, or returns to its first step. A small
    /// step back doesn't count.
    fn is_restart(&self, value: f64, fraction: f64) -> bool {
        fraction <= 0.5 && (self.now >= WHOLE || (value <= 1.0 && self.now >= 0.5))
    }

    fn compute_share(&self, passes: Passes) -> f64 {
        let counted = f64::from(self.pass - 1) + self.high;
        match passes.known {
            Some(known) if known >= self.pass && known > 1 => (counted / f64::from(known)).min(RUNNING_CAP),
            None if passes.tiled => CHILDREN_CAP * counted / (counted + TILED_HALF),
            _ if self.pass == 1 => self.high.min(RUNNING_CAP),
            // The node continues after it counted as almost complete: approach 1 asymptotically.
            _ => 1.0 - (1.0 - RUNNING_CAP) / counted.max(1.0),
        }
    }

    /// The fraction of the current pass as last reported; `None` before the first report.
    pub(super) fn fraction(&self) -> Option<f64> {
        (self.max > 0.0).then_some(self.now)
    }

    /// The steps left in this pass.
    pub(super) fn open(&self) -> f64 {
        (self.max - self.value.max(0.0)).max(0.0)
    }

    /// The highest share of the node's whole work, 0..1.
    pub(super) fn share(&self) -> f64 {
        self.share
    }
}

impl NodeTrack {
    /// The share of this node's work that is done, 0..=1. Never falls.
    pub(super) fn contribution(&self) -> f64 {
        if self.settled {
            return 1.0;
        }
        let own = self.counter.share();
        if self.children.is_empty() {
            return own;
        }
        let sum: f64 =
            self.children.values().map(|child| if child.done { 1.0 } else { child.counter.share() }).sum();
        // `sum / (sum + 1)`, written so that rounding never makes it fall.
        own.max((1.0 - 1.0 / (sum + 1.0)).min(CHILDREN_CAP))
    }

    /// The node's result is no longer needed. It counts as executed if it was seen running, or if a part of the run was
    /// missed; otherwise it wasn't needed at all.
    pub(super) fn settle(&mut self, saw_all: bool) {
        self.settled = true;
        self.done |= self.started > 0 || !saw_all;
    }

    /// The counter to show: while a child with a counter runs, the child's.
    pub(super) fn shown_counter(&self) -> &Counter {
        let active = self.active.as_ref().and_then(|id| self.children.get(id));
        active.filter(|child| !child.done).map_or(&self.counter, |child| &child.counter)
    }

    /// Marks a child done.
    pub(super) fn child_done(&mut self, id: &str, now: f64) {
        if let Some(child) = self.child(id, now)
            && !std::mem::replace(&mut child.done, true)
        {
            child.took = now - child.since;
        }
    }

    /// Records a child's counter.
    pub(super) fn report_child(&mut self, id: &str, value: f64, max: f64, passes: Passes, now: f64) {
        if self.active.as_ref().is_none_or(|active| active.as_str() != id) {
            self.active = Some(id.into());
        }
        if let Some(child) = self.child(id, now) {
            child.counter.report(value, max, passes, now);
        }
    }

    /// Returns the child, and adds it if it is new. `None` at the limit.
    pub(super) fn child(&mut self, id: &str, now: f64) -> Option<&mut Child> {
        // Looked up twice to avoid an allocation for a known child.
        if !self.children.contains_key(id) && self.children.len() < MOST_CHILDREN {
            self.children.insert(id.into(), Child { since: now, ..Child::default() });
        }
        self.children.get_mut(id)
    }

    /// The steps of each running child, and the time at which it started, in seconds.
    pub(super) fn open_children(&self) -> impl Iterator<Item = (&Steps, f64)> {
        self.children.values().filter(|child| !child.done).map(|child| (&child.counter.steps, child.since))
    }

    /// Whether a child is running whose id says that it was expanded from this parent.
    pub(super) fn has_open_child_of(&self, parent: &str) -> bool {
        let is_of = |id: &str| id.strip_prefix(parent).is_some_and(|rest| rest.starts_with('.'));
        self.children.iter().any(|(id, child)| !child.done && is_of(id.as_str()))
    }

    /// The number of finished children, and their mean duration in seconds.
    pub(super) fn done_children(&self) -> (usize, f64) {
        let done = self.children.values().filter(|child| child.done);
        let (count, sum) = done.fold((0, 0.0), |(count, sum), child| (count + 1, sum + child.took));
        (count, if count > 0 { sum / count as f64 } else { 0.0 })
    }

    /// The state to report.
    pub(super) fn state(&self, running: bool) -> NodeState {
        match self {
            Self { failed: true, .. } => NodeState::Failed,
            Self { done: true, cached: true, .. } => NodeState::Cached,
            Self { done: true, .. } => NodeState::Done,
            Self { settled: true, .. } => NodeState::Skipped,
            _ if running => NodeState::Running,
            _ => NodeState::Waiting,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONCE: Passes = Passes { known: None, tiled: false };

    fn play(counter: &mut Counter, passes: Passes, values: &[(f64, f64)]) -> Vec<(u32, f64)> {
        values
            .iter()
            .map(|(value, max)| {
                counter.report(*value, *max, passes, 0.0);
                (counter.pass, (counter.share() * 1000.0).round() / 1000.0)
            })
            .collect()
    }

    #[test]
    fn a_counter_that_starts_over_is_a_new_pass_and_the_share_keeps_rising() {
        let mut counter = Counter::default();
        let seen = play(
            &mut counter,
            ONCE,
            &[(5.0, 10.0), (10.0, 10.0), (1.0, 10.0), (10.0, 10.0), (0.0, 4.0), (4.0, 4.0)],
        );
        assert_eq!(seen, [(1, 0.5), (1, 0.99), (2, 0.991), (2, 0.995), (3, 0.995), (3, 0.997)]);
    }

    #[test]
    fn known_passes_are_counted_evenly() {
        let two = Passes { known: Some(2), tiled: false };
        let seen =
            play(&mut Counter::default(), two, &[(10.0, 10.0), (5.0, 10.0), (10.0, 10.0), (2.0, 10.0)]);
        assert_eq!(
            seen,
            [(1, 0.5), (2, 0.75), (2, 0.99), (3, 0.995)],
            "a third pass is possible all the same"
        );
    }

    #[test]
    fn tiles_leave_room_for_more_tiles() {
        let tiles = Passes { known: None, tiled: true };
        let values: Vec<_> = (0..6).flat_map(|_| [(1.0, 20.0), (10.0, 20.0), (20.0, 20.0)]).collect();
        let seen = play(&mut Counter::default(), tiles, &values);
        assert!(seen.windows(2).all(|pair| pair[0].1 < pair[1].1), "{seen:?}");
        assert_eq!(seen.last(), Some(&(6, 0.76)));
    }

    #[test]
    fn small_steps_back_odd_maxima_and_overshoot_do_not_start_a_new_pass() {
        let mut counter = Counter::default();
        let seen = play(
            &mut counter,
            ONCE,
            &[(9.0, 10.0), (4.0, 10.0), (2.0, 10.0), (0.0, 0.0), (12.0, 5.0), (3.0, -1.0)],
        );
        assert_eq!(seen.last(), Some(&(1, 0.99)));
        assert_eq!(counter.fraction(), Some(1.0));
    }
}
