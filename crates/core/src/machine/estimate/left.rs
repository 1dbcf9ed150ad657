//! What is left of each node, and of all of them.

use super::super::{node::NodeTrack, state::Machine};
use crate::{Plan, PlanNode, learned::Memory};

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
/// Sums stay finite.
const LONGEST: f64 = 365.0 * 86_400.0;

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

    pub(super) fn left_of_running(&self, track: &NodeTrack, node: &PlanNode, slower: f64) -> Left {
        let now = self.now.as_secs_f64();
        let (steps, elapsed) = (&track.counter.steps, now - track.since);
        let (memory, slower, expected) = (self.memory(node), factor(node, slower), &node.expected);
        if let Some(memory) = memory.filter(|_| steps.reports() < 2) {
            return Left::new(silent(memory.seconds, memory.sigma, elapsed), memory.sigma);
        }
        if steps.reports() == 0 {
            let pre = expected.silent * slower;
            let (done, mean) = track.done_children();
            let open = track.open_children().map(|(steps, since)| {
                steps.pace().map_or_else(
                    || silent(if done > 0 { mean } else { pre }, 1.0, now - since),
                    |pace| pace.max(mean - (now - since)),
                )
            });
            return match open.reduce(f64::max) {
                Some(open) => Left::new(open + if done > 0 { mean } else { open }, SILENT),
                None => {
                    // After a connection was lost the count goes on where it was.
                    let ahead = 1.0 - track.counter.fraction().unwrap_or(0.0);
                    let counted = expected.counted() * slower * ahead;
                    Left::new(silent(pre, expected.sigma, elapsed) + counted, SILENT)
                }
            };
        }
        let pace = steps.pace().unwrap_or_else(|| steps.rough_pace(track.since));
        let open = track.counter.open();
        let pass = pace * open - steps.silent(now).min(pace);
        // A full count is the end of the pass, and not yet that of the node.
        let pass = if open > 0.0 { pass.max(0.0) } else { 0.0 };
        let seen = f64::from(track.counter.pass);
        let wanted = memory.map_or(expected.passes, |memory| f64::from(memory.passes));
        let more = if wanted > seen {
            wanted - seen
        } else if memory.is_none() && seen > 1.0 {
            // Where nobody has said how many there are, there may be half as many again.
            0.5 * (seen - 1.0)
        } else {
            0.0
        };
        let passed = seen - 1.0 + track.counter.fraction().unwrap_or(0.0);
        let each = if passed > 0.3 { steps.watched(now) / passed } else { pace * track.counter.max };
        let counted = pass + more * each;
        let sigma = 0.5 / f64::from(steps.reports()).sqrt() + 0.04;
        let Some(memory) = memory else { return Left::new(counted, sigma) };
        // The counter and the memory, each by how certain it is.
        let remembered = silent(memory.seconds, memory.sigma, elapsed);
        let (of_counter, of_memory) =
            (sigma.powi(-2), (remembered / (memory.sigma * memory.seconds).max(1e-6)).powi(2));
        let sum = of_counter + of_memory;
        let seconds = ((counted + memory.tail) * of_counter + remembered * of_memory) / sum;
        Left::new(seconds, sum.sqrt().recip())
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
