//! One node's share of the work.

use std::{collections::BTreeMap, time::Duration};

use super::estimate::Steps;
use crate::{NodeId, NodeState};

/// A running node never counts as whole; only being done does.
const RUNNING_CAP: f64 = 0.99;
/// The same for a node whose children run: their number is unknown beforehand.
const CHILDREN_CAP: f64 = 0.95;
/// How fast the share of a node that is known to count several times approaches its cap: half is reached after this
/// many passes.
const TILED_HALF: f64 = 1.5;
/// From here on a count is whole, and a lower value after it is a new pass.
const WHOLE: f64 = 0.999;

/// Children come from frames alone; a hostile server must not fill the memory with them.
const MOST_CHILDREN: usize = 10_000;

/// What is known of a node. Everything that feeds the overall figure only ever grows.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not states of one thing")]
pub(super) struct NodeTrack {
    /// Executed, or its result cached. Sticky.
    pub(super) done: bool,
    pub(super) cached: bool,
    pub(super) failed: bool,
    /// Done, or no longer needed.
    pub(super) settled: bool,
    /// The snapshot (or message) that last showed it running.
    pub(super) running_in: Option<u64>,
    /// Order of starting, from 1, for what to show first; 0 before.
    pub(super) started: u64,
    /// When it began, if that was seen, and the connection has held since.
    pub(super) started_at: Option<Duration>,
    /// The second at which it began, or was first seen to run.
    pub(super) since: f64,
    /// Its beginning, or some of its time, was not seen.
    pub(super) unseen: bool,
    /// It was over before anybody watched.
    pub(super) missed: bool,
    /// It stands in the body of a native loop, which is counted as a whole.
    pub(super) looped: bool,
    pub(super) counter: Counter,
    /// Nodes of its expansion. Sorted, so that their sum never depends on a hash.
    children: BTreeMap<NodeId, Child>,
    /// The child that reported last.
    active: Option<NodeId>,
    /// The state that was last told to the outside.
    pub(super) told: NodeState,
}

/// A node that came out of an expansion.
#[derive(Debug, Default)]
pub(super) struct Child {
    done: bool,
    counter: Counter,
    /// The second at which it was first seen.
    since: f64,
    /// The seconds that it took, once it is done.
    took: f64,
}

/// A progress bar as the node reports it.
#[derive(Debug)]
pub(super) struct Counter {
    pub(super) value: f64,
    pub(super) max: f64,
    /// Fraction of the current pass, as reported.
    now: f64,
    /// Highest fraction of the current pass.
    high: f64,
    pub(super) pass: u32,
    /// What that makes of the node's whole work.
    share: f64,
    pub(super) steps: Steps,
}

impl Default for Counter {
    fn default() -> Self {
        Self { value: 0.0, max: 0.0, now: 0.0, high: 0.0, pass: 1, share: 0.0, steps: Steps::default() }
    }
}

/// What an earlier run or the node's class tells about its passes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passes {
    pub(super) known: Option<u32>,
    pub(super) tiled: bool,
}

impl Counter {
    /// Takes a report; `max` of zero or less says nothing.
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
        // It only grows: within a pass the highest count holds, and a pass that begins counts what is before it as whole.
        self.share = self.compute_share(passes);
    }

    /// A counter that falls far after a whole count, or back to its first step, starts a new pass. One that just goes
    /// back a little does not.
    fn is_restart(&self, value: f64, fraction: f64) -> bool {
        fraction <= 0.5 && (self.now >= WHOLE || (value <= 1.0 && self.now >= 0.5))
    }

    fn compute_share(&self, passes: Passes) -> f64 {
        let counted = f64::from(self.pass - 1) + self.high;
        match passes.known {
            Some(known) if known >= self.pass && known > 1 => (counted / f64::from(known)).min(RUNNING_CAP),
            None if passes.tiled => CHILDREN_CAP * counted / (counted + TILED_HALF),
            _ if self.pass == 1 => self.high.min(RUNNING_CAP),
            // It counts on after it was taken for nearly whole: all that is left is to approach 1.
            _ => 1.0 - (1.0 - RUNNING_CAP) / counted.max(1.0),
        }
    }

    /// The fraction of the current pass as last reported; `None` before the first report.
    pub(super) fn fraction(&self) -> Option<f64> {
        (self.max > 0.0).then_some(self.now)
    }

    /// What is left to count in this pass.
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
        // `sum / (sum + 1)`, written so that rounding can never make it fall.
        own.max((1.0 - 1.0 / (sum + 1.0)).min(CHILDREN_CAP))
    }

    /// Its result is no longer needed. It was executed if it was seen to run, or if the beginning of the run was missed,
    /// as far as can be told; otherwise it was not needed at all.
    pub(super) fn settle(&mut self, saw_start: bool) {
        self.settled = true;
        self.done |= self.started > 0 || !saw_start;
    }

    /// What to show as its progress: while a child runs that counts, the child's.
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

    /// A child's counter has moved.
    pub(super) fn report_child(&mut self, id: &str, value: f64, max: f64, passes: Passes, now: f64) {
        if self.active.as_ref().is_none_or(|active| active.as_str() != id) {
            self.active = Some(id.into());
        }
        if let Some(child) = self.child(id, now) {
            child.counter.report(value, max, passes, now);
        }
    }

    /// A child begins.
    pub(super) fn child(&mut self, id: &str, now: f64) -> Option<&mut Child> {
        // Looked up twice so that a known child costs no allocation.
        if !self.children.contains_key(id) && self.children.len() < MOST_CHILDREN {
            self.children.insert(id.into(), Child { since: now, ..Child::default() });
        }
        self.children.get_mut(id)
    }

    /// The children that run, as their steps and the second at which each began.
    pub(super) fn open_children(&self) -> impl Iterator<Item = (&Steps, f64)> {
        self.children.values().filter(|child| !child.done).map(|child| (&child.counter.steps, child.since))
    }

    /// How many children are done, and how long they took on average.
    pub(super) fn done_children(&self) -> (usize, f64) {
        let done = self.children.values().filter(|child| child.done);
        let (count, sum) = done.fold((0, 0.0), |(count, sum), child| (count + 1, sum + child.took));
        (count, if count > 0 { sum / count as f64 } else { 0.0 })
    }

    /// What to call its state.
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
    fn small_steps_back_odd_maxima_and_overshoot_are_no_new_pass() {
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
