//! The remaining time of each node, and of all nodes together.

use super::super::{node::NodeTrack, state::Machine};
use crate::{Expected, Plan, PlanNode, learned::Memory};

/// Remaining seconds, with their variance.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Left {
    pub(super) seconds: f64,
    /// The variance, in seconds squared.
    pub(super) variance: f64,
}

/// Sums over the nodes that aren't running. Parts that scale with machine speed are kept separately, so that a new
/// pace doesn't require a new sum.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Coming {
    scaled: Left,
    fixed: Left,
    /// Work that finished before this client joined.
    missed: (f64, f64),
    /// Expected seconds from the table: all work of this run, and the part that is done.
    pub(super) work: f64,
    pub(super) done: f64,
}

/// The relative uncertainty of a silent phase once it has started, regardless of its earlier estimate.
const SILENT: f64 = 0.8;
/// The table doesn't know the number of passes: once the expected passes are over, half as many again may follow.
const MORE_PASSES: f64 = 0.5;
/// Keeps sums finite, and small enough that the figure still moves.
pub(super) const LONGEST: f64 = 365.0 * 86_400.0;

impl Left {
    pub(super) fn new(seconds: f64, sigma: f64) -> Self {
        Self { seconds, variance: (seconds * sigma).powi(2) }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.seconds += other.seconds;
        self.variance += other.variance;
    }

    fn times(self, factor: f64) -> Self {
        Self { seconds: self.seconds * factor, variance: self.variance * factor * factor }
    }
}

/// The remaining time of a silent phase with this `median` duration in seconds, `elapsed` of which have passed. Never
/// zero, and growing once overdue: approximates the median remainder of a log-normal duration.
pub(super) fn silent(median: f64, sigma: f64, elapsed: f64) -> f64 {
    let median = median.max(1e-3);
    let ahead = median - elapsed;
    let width = 1.5 * sigma * median;
    f64::midpoint(ahead, ahead.hypot(width)) + 0.18 * sigma * sigma * elapsed.max(0.0)
}

impl Machine {
    /// The remaining time of the run.
    pub(super) fn left(&mut self, plan: &Plan) -> Left {
        let coming = if let Some(coming) = self.estimate.coming {
            coming
        } else {
            self.estimate.models_loaded = self.loads_models(plan);
            let coming = self.coming(plan);
            *self.estimate.coming.insert(coming)
        };
        let slower = self.slower();
        let mut left = coming.scaled.times(slower);
        left.add(coming.fixed);
        for one in &self.estimate.loops {
            left.add(self.left_of_loop(plan, one, slower));
        }
        // Nodes that run in parallel end with the slowest.
        let mut longest = Left::default();
        for at in &self.estimate.running {
            let (Some(track), Some(node)) = (self.nodes.get(*at), plan.nodes().get(*at)) else { continue };
            if track.looped {
                continue;
            }
            if self.waits(track, node) {
                left.add(self.expected(node, slower));
                continue;
            }
            let one = self.left_of_running(track, node, slower);
            if one.seconds > longest.seconds {
                longest = one;
            }
        }
        left.add(longest);
        Left {
            seconds: left.seconds.clamp(0.0, LONGEST),
            variance: left.variance.clamp(0.0, LONGEST * LONGEST),
        }
    }

    /// Sums the nodes that aren't running.
    fn coming(&self, plan: &Plan) -> Coming {
        let mut coming = Coming::default();
        for (track, node) in self.nodes.iter().zip(plan.nodes()).filter(|(_, node)| node.required) {
            if track.cached {
                continue;
            }
            let memory = self.memory(node);
            let seconds = memory.map_or_else(|| node.expected.seconds(), |memory| memory.seconds);
            let scales = memory.is_none() && node.expected.scales();
            coming.work += seconds;
            if track.settled || track.done {
                coming.done += seconds;
                if track.missed {
                    let missed = if scales { &mut coming.missed.0 } else { &mut coming.missed.1 };
                    *missed += seconds;
                }
            } else if track.reported != crate::NodeState::Running && !track.looped {
                let sum = if scales { &mut coming.scaled } else { &mut coming.fixed };
                sum.add(Left::new(seconds, memory.map_or(node.expected.sigma, |memory| memory.sigma)));
            }
        }
        coming
    }

    /// A node's learned durations, for the matching case of models loaded or not.
    pub(super) fn memory<'a>(&self, node: &'a PlanNode) -> Option<&'a Memory> {
        node.memories.as_ref().map(|memories| memories.of(self.estimate.models_loaded))
    }

    /// The estimate for a node that hasn't started.
    pub(super) fn expected(&self, node: &PlanNode, slower: f64) -> Left {
        match self.memory(node) {
            Some(memory) => Left::new(memory.seconds, memory.sigma),
            None => Left::new(node.expected.seconds() * factor(node, slower), node.expected.sigma),
        }
    }

    /// A lazy node runs twice. In between it waits for the inputs it requested.
    fn waits(&self, track: &NodeTrack, node: &PlanNode) -> bool {
        let is_open = |at: &usize| self.nodes.get(*at).is_some_and(|above| !above.settled && !above.done);
        track.counter.steps.reports() == 0
            && track.open_children().next().is_none()
            && node.parents.iter().any(is_open)
    }

    fn left_of_running(&self, track: &NodeTrack, node: &PlanNode, slower: f64) -> Left {
        let (now, steps) = (self.now.as_secs_f64(), &track.counter.steps);
        let elapsed = now - track.since;
        let remembered =
            self.memory(node).map(|memory| (memory, silent(memory.seconds, memory.sigma, elapsed)));
        match remembered {
            Some((memory, left)) if steps.reports() < 2 => Left::new(left, memory.sigma),
            Some((memory, left)) => {
                // The counter and the learned durations, each weighted by its certainty.
                let counter = counting(track, f64::from(memory.passes), 0.0, now);
                let of_counter = (counter.seconds * counter.seconds / counter.variance.max(1e-12)).max(1.0);
                let of_memory = (left / (memory.sigma * memory.seconds).max(1e-6)).powi(2);
                let sum = of_counter + of_memory;
                let seconds = ((counter.seconds + memory.tail) * of_counter + left * of_memory) / sum;
                Left::new(seconds, sum.sqrt().recip())
            }
            None if steps.reports() > 0 => counting(track, node.expected.passes, MORE_PASSES, now),
            None => uncounted(track, &node.expected, factor(node, slower), now),
        }
    }

    /// Work finished before this client joined, and the progress of the nodes that were running then.
    pub(super) fn before(&self, plan: &Plan, slower: f64) -> f64 {
        let (scaled, fixed) = self.estimate.coming.map_or((0.0, 0.0), |coming| coming.missed);
        let running = self.estimate.running.iter().filter_map(|at| {
            let (track, node) = (self.nodes.get(*at)?, plan.nodes().get(*at)?);
            let (steps, factor) = (&track.counter.steps, factor(node, slower));
            let step = steps.pace().unwrap_or(node.expected.step * factor);
            track.unseen.then(|| 0.5 * node.expected.silent * factor + step * (steps.first() - 1.0).max(0.0))
        });
        (scaled * slower + fixed + running.sum::<f64>()).min(LONGEST)
    }
}

/// The estimate for a node whose counter hasn't moved: from the table, or from its children.
fn uncounted(track: &NodeTrack, expected: &Expected, slower: f64, now: f64) -> Left {
    let pre = expected.silent * slower;
    let (done, mean) = track.done_children();
    let open = track.open_children().map(|(steps, since)| match steps.pace() {
        Some(pace) => pace.max(mean - (now - since)),
        None => silent(if done > 0 { mean } else { pre }, 1.0, now - since),
    });
    if let Some(open) = open.reduce(f64::max) {
        // The number of children is unknown: assume at least one more.
        return Left::new(open + if done > 0 { mean } else { open }, SILENT);
    }
    // After a lost connection, the count continues where it was.
    let ahead = 1.0 - track.counter.fraction().unwrap_or(0.0);
    Left::new(silent(pre, expected.sigma, now - track.since) + expected.counted() * slower * ahead, SILENT)
}

/// The estimate for a node whose counter moves, with the expected number of passes; `beyond` them, this many more per
/// observed pass may follow.
fn counting(track: &NodeTrack, passes: f64, beyond: f64, now: f64) -> Left {
    let (counter, steps) = (&track.counter, &track.counter.steps);
    let pace = steps.pace().unwrap_or_else(|| steps.rough_pace(track.since));
    let open = pace * counter.open();
    // The step in progress. A full count ends the pass, but not yet the node.
    let pass = (open - steps.silent(now).min(pace)).max(0.0);
    let seen = f64::from(counter.pass);
    let more = if passes > seen { passes - seen } else { beyond * (seen - 1.0) };
    let passed = seen - 1.0 + counter.fraction().unwrap_or(0.0);
    let each = if passed > 0.3 { steps.watched(now) / passed } else { pace * counter.max };
    Left::new(pass + more * each, 0.5 / f64::from(steps.reports()).sqrt() + 0.04)
}

/// How much longer a node takes on this machine than the table says.
fn factor(node: &PlanNode, slower: f64) -> f64 {
    if node.expected.scales() { slower } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silent_nodes_never_complete_and_overdue_ones_grow() {
        let at = |elapsed| silent(10.0, 0.8, elapsed);
        assert!(at(0.0) > 10.0 && at(0.0) < 13.0);
        assert!(at(5.0) < at(0.0) && at(10.0) < at(5.0));
        assert!(at(10.0) > 3.0 && at(40.0) < at(100.0) && at(1000.0) > at(100.0));
        assert!(silent(0.0, 1.0, 0.0) > 0.0);
    }
}
