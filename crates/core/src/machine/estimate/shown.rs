//! The overall fraction.

use std::time::Duration;

use super::super::state::Machine;
use super::left::{LONGEST, silent};
use crate::{Phase, Plan};

/// The maximum before success is confirmed.
pub(in super::super) const BEFORE_SUCCESS: f64 = 0.999;
/// Until a pace is measured, the completed share of the work limits the figure with this weight.
const BRAKE: f64 = 0.5;
/// A figure that is ahead advances at this share of the pace that would finish on time, so it never freezes.
const AHEAD: f64 = 0.25;
/// A figure that is behind catches up within this share of the run, and in no less than this many seconds.
const BEHIND: (f64, f64) = (0.004, 0.05);

impl Machine {
    /// Advances the time without any other input.
    pub fn tick(&mut self, at: Duration) {
        self.advance(at);
        self.refresh();
    }

    /// Updates the overall fraction to the current time.
    pub(in super::super) fn refresh(&mut self) {
        let now = self.now.as_secs_f64();
        if self.phase != Phase::Running || self.estimate.at == Some(now) {
            return;
        }
        let Some(plan) = self.plan.clone() else { return };
        self.estimate.measured |= self.measures();
        let left = self.left(&plan);
        self.estimate.left = left;
        let elapsed = self.worked(&plan);
        let passed = self.estimate.at.map_or(0.0, |at| now - at);
        self.estimate.at = Some(now);
        if passed <= 0.0 || elapsed <= 0.0 {
            return;
        }
        let left = self.brake(&plan, elapsed, left.seconds);
        let (shown, aim) = (self.estimate.shown, elapsed / (elapsed + left));
        let step = if aim > shown {
            (aim - shown) * (1.0 - (-passed / (BEHIND.0 * (elapsed + left)).max(BEHIND.1)).exp())
        } else {
            AHEAD * (1.0 - shown) * passed / (left + passed)
        };
        self.estimate.shown = (shown + step.max(0.0)).min(BEFORE_SUCCESS);
    }

    /// Seconds of this run so far, including those before this client joined.
    fn worked(&self, plan: &Plan) -> f64 {
        let now = self.now.as_secs_f64();
        let since = self.running_since.map_or(now, |since| since.as_secs_f64());
        let joined =
            self.estimate.joined.map_or(0.0, |joined| now - joined + self.before(plan, self.slower()));
        joined.max(now - since)
    }

    /// Whether a running counter has shown its pace.
    fn measures(&self) -> bool {
        let mut running = self.estimate.running.iter().filter_map(|at| self.nodes.get(*at));
        running.any(|track| {
            track.counter.steps.reports() >= 2 || track.open_children().any(|(steps, _)| steps.reports() >= 2)
        })
    }

    /// The first measured pace shows how slow the machine is. Before that, the completed share of the work is the
    /// better measure: on a slow machine the figure would race to 60% during loading, and it can't go back.
    fn brake(&self, plan: &Plan, elapsed: f64, left: f64) -> f64 {
        let running =
            || self.estimate.running.iter().filter_map(|at| self.nodes.get(*at).zip(plan.nodes().get(*at)));
        let Some(coming) = self.estimate.coming.filter(|_| !self.estimate.measured) else { return left };
        if running().any(|(_, node)| node.memories.is_some()) {
            return left;
        }
        let mut done = coming.done;
        for (track, node) in running() {
            let (expected, seconds) = (&node.expected, self.now.as_secs_f64() - track.since);
            done += match track.counter.fraction() {
                Some(counted) => expected.seconds() * counted / expected.passes,
                None => {
                    expected.silent * seconds / (seconds + silent(expected.silent, expected.sigma, seconds))
                }
            };
        }
        let share = done / coming.work;
        if share > 0.0 && share < elapsed / (elapsed + left) {
            ((1.0 - BRAKE) * left + BRAKE * elapsed * (1.0 - share) / share).min(LONGEST)
        } else {
            left
        }
    }
}
