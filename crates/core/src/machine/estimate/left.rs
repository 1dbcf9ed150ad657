//! What is left of each node, and of all of them.

use super::super::{node::NodeTrack, state::Machine};
use crate::{Expected, Plan, PlanNode, learned::Memory};

/// Seconds that are left, and how far the truth may be from them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Left {
    pub(super) seconds: f64,
    /// The variance, in seconds squared.
    pub(super) variance: f64,
}

/// Sums over the nodes that do not run. The parts that a slower machine makes longer are apart, so that a new pace
/// does not mean summing again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Coming {
    scaled: Left,
    fixed: Left,
    /// What was over before anybody watched.
    missed: (f64, f64),
    /// Seconds of the table: all work of this run, and what is done of it.
    pub(super) work: f64,
    pub(super) done: f64,
}

/// A silent time that has begun is as uncertain as this, whatever it was before.
const SILENT: f64 = 0.8;
/// The table does not know how many passes there are: when they are over, there may be half as many again.
const MORE_PASSES: f64 = 0.5;
/// Sums stay finite, and so small that the figure still moves.
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

/// What is left of something silent that takes `median` seconds, `elapsed` of which are over. Never zero, and growing
/// once it is overdue: the median of what is left of a log-normal time, nearly.
pub(super) fn silent(median: f64, sigma: f64, elapsed: f64) -> f64 {
    let median = median.max(1e-3);
    let ahead = median - elapsed;
    let width = 1.5 * sigma * median;
    f64::midpoint(ahead, ahead.hypot(width)) + 0.18 * sigma * sigma * elapsed.max(0.0)
}

impl Machine {
    /// What is left of the run.
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
        // What runs side by side ends with the longest.
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

    /// Sums up what is not running.
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
            } else if track.told != crate::NodeState::Running && !track.looped {
                let sum = if scales { &mut coming.scaled } else { &mut coming.fixed };
                sum.add(Left::new(seconds, memory.map_or(node.expected.sigma, |memory| memory.sigma)));
            }
        }
        coming
    }

    /// What earlier runs have shown of a node, for models that are there or that are loaded.
    pub(super) fn memory<'a>(&self, node: &'a PlanNode) -> Option<&'a Memory> {
        node.memories.as_ref().map(|memories| memories.of(self.estimate.models_loaded))
    }

    /// A node that has not begun.
    pub(super) fn expected(&self, node: &PlanNode, slower: f64) -> Left {
        match self.memory(node) {
            Some(memory) => Left::new(memory.seconds, memory.sigma),
            None => Left::new(node.expected.seconds() * factor(node, slower), node.expected.sigma),
        }
    }

    /// A lazy node runs twice. In between it waits for what it has asked for.
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
                // The counter and the memory, each by how certain it is.
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

    /// What was over before anybody watched, and how far the nodes were that ran then.
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

/// A node whose counter has not moved: what the table says, or what its children show.
fn uncounted(track: &NodeTrack, expected: &Expected, slower: f64, now: f64) -> Left {
    let pre = expected.silent * slower;
    let (done, mean) = track.done_children();
    let open = track.open_children().map(|(steps, since)| match steps.pace() {
        Some(pace) => pace.max(mean - (now - since)),
        None => silent(if done > 0 { mean } else { pre }, 1.0, now - since),
    });
    if let Some(open) = open.reduce(f64::max) {
        // Nobody says how many there will be: one more, at least.
        return Left::new(open + if done > 0 { mean } else { open }, SILENT);
    }
    // After a connection was lost the count goes on where it was.
    let ahead = 1.0 - track.counter.fraction().unwrap_or(0.0);
    Left::new(silent(pre, expected.sigma, now - track.since) + expected.counted() * slower * ahead, SILENT)
}

/// A node whose counter moves, of so many passes; `beyond` them there may be so many more for each that was seen.
fn counting(track: &NodeTrack, passes: f64, beyond: f64, now: f64) -> Left {
    let (counter, steps) = (&track.counter, &track.counter.steps);
    let pace = steps.pace().unwrap_or_else(|| steps.rough_pace(track.since));
    let open = pace * counter.open();
    // The step that is under way. A full count is the end of the pass, and not yet that of the node.
    let pass = (open - steps.silent(now).min(pace)).max(0.0);
    let seen = f64::from(counter.pass);
    let more = if passes > seen { passes - seen } else { beyond * (seen - 1.0) };
    let passed = seen - 1.0 + counter.fraction().unwrap_or(0.0);
    let each = if passed > 0.3 { steps.watched(now) / passed } else { pace * counter.max };
    Left::new(pass + more * each, 0.5 / f64::from(steps.reports()).sqrt() + 0.04)
}

/// How much longer than the table says a node takes on this machine.
fn factor(node: &PlanNode, slower: f64) -> f64 {
    if node.expected.scales() { slower } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_silent_is_never_over_and_grows_once_it_is_overdue() {
        let at = |elapsed| silent(10.0, 0.8, elapsed);
        assert!(at(0.0) > 10.0 && at(0.0) < 13.0);
        assert!(at(5.0) < at(0.0) && at(10.0) < at(5.0));
        assert!(at(10.0) > 3.0 && at(40.0) < at(100.0) && at(1000.0) > at(100.0));
        assert!(silent(0.0, 1.0, 0.0) > 0.0);
    }
}
