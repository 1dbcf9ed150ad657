//! Native loops: the start node expands into a copy of the loop's body for each round, and reports `Iteration k / n`.

use super::{
    super::state::Machine,
    left::{Left, silent},
};
use crate::Plan;

/// A loop that has started.
#[derive(Debug)]
pub(super) struct Loop {
    start: usize,
    body: Vec<usize>,
    /// Finished rounds, and the total.
    done: f64,
    rounds: f64,
    since: f64,
    /// When the last round ended, in seconds.
    last: f64,
}

/// A text that reports the finished rounds of a loop.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Iteration {
    done: f64,
    rounds: f64,
}

/// An upper limit for rounds; a larger number from a server is ignored.
const MOST_ROUNDS: f64 = 1e6;
const MOST_LOOPS: usize = 100;
/// The relative spread of round durations.
const SIGMA: f64 = 0.25;

impl Iteration {
    /// Parses `Iteration 3 / 6`; nothing else.
    pub(in super::super) fn parse(text: &str) -> Option<Self> {
        let (done, rounds) = text.strip_prefix("Iteration ")?.split_once('/')?;
        let number = |text: &str| Some(f64::from(text.trim().parse::<u32>().ok()?));
        let rounds = number(rounds)?.min(MOST_ROUNDS);
        Some(Self { done: number(done)?.min(rounds), rounds })
    }
}

impl Machine {
    /// The start node of a loop has reported its progress.
    pub(in super::super) fn iterates(&mut self, start: &str, iteration: Iteration) {
        let Some(plan) = self.plan.clone() else { return };
        let Some(start) = plan.position(start) else { return };
        let now = self.now.as_secs_f64();
        self.estimate.changed();
        if let Some(known) = self.estimate.loops.iter_mut().find(|one| one.start == start) {
            if iteration.done > known.done {
                (known.done, known.last) = (iteration.done, now);
            }
            known.rounds = iteration.rounds.max(known.done);
        } else if self.estimate.loops.len() < MOST_LOOPS {
            let body = plan.loop_body(start);
            for at in &body {
                self.nodes.get_mut(*at).into_iter().for_each(|track| track.looped = true);
            }
            let Iteration { done, rounds } = iteration;
            self.estimate.loops.push(Loop { start, body, done, rounds, since: now, last: now });
        }
    }

    pub(super) fn left_of_loop(&self, plan: &Plan, one: &Loop, slower: f64) -> Left {
        let now = self.now.as_secs_f64();
        if one.done >= one.rounds {
            return Left::default();
        }
        let (mut round, mut open) = (0.0, 0.0);
        if one.done > 0.0 {
            round = (one.last - one.since) / one.done;
            open = silent(round, SIGMA, now - one.last);
        } else {
            // The first round is estimated node by node.
            for at in &one.body {
                let (Some(track), Some(node)) = (self.nodes.get(*at), plan.nodes().get(*at)) else {
                    continue;
                };
                let expected = self.expected(node, slower).seconds;
                let copy = track.open_children().next();
                let counted = copy.and_then(|(steps, _)| Some(steps.pace()? * track.shown_counter().open()));
                open += match (counted, copy) {
                    (Some(counted), _) => counted,
                    (None, Some((_, since))) => silent(expected, node.expected.sigma, now - since),
                    (None, None) if track.done_children().0 > 0 => 0.0,
                    (None, None) => expected,
                };
                round += expected;
            }
            round = f64::max(round, now - one.since + open);
        }
        Left::new(open + round * (one.rounds - one.done - 1.0).max(0.0), SIGMA)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_text_of_a_loop_is_read_as_one() {
        let read = |text| Iteration::parse(text).map(|one| (one.done, one.rounds));
        assert_eq!(read("Iteration 3 / 6"), Some((3.0, 6.0)));
        assert_eq!(read("Iteration 9 / 6"), Some((6.0, 6.0)));
        for text in ["", "Iteration", "Iteration 3", "Iteration -1 / 6", "Iteration x / 6", "3 / 6"] {
            assert!(read(text).is_none(), "{text}");
        }
    }
}
