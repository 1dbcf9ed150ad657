//! Durations of rows.

use std::{collections::HashMap, sync::Arc, time::Duration};

use fastrand::Rng;

/// Only this many of a group's latest durations count.
const KEPT: usize = 200;
/// The assumed relative spread of durations, because a few samples can't show it.
const PRIOR_SPREAD: f64 = 0.4;

/// Durations of rows from start to end, by group. Only measured ones: a row whose result already existed says nothing
/// about the next one.
#[derive(Clone, Debug, Default)]
pub struct Durations {
    groups: HashMap<Arc<str>, Vec<f64>>,
}

impl Durations {
    /// Records the duration of a row.
    pub fn add(&mut self, group: &str, took: Duration) {
        let known = match self.groups.get_mut(group) {
            Some(known) => known,
            None => self.groups.entry(group.into()).or_default(),
        };
        if known.len() == KEPT {
            known.remove(0);
        }
        known.push(took.as_secs_f64());
    }

    /// The mean of a group, or of all groups if the group has no durations; `None` if none are known.
    pub fn mean(&self, group: &str) -> Option<Duration> {
        let mean = |known: &[f64]| known.iter().sum::<f64>() / known.len() as f64;
        self.of(group).map(|(known, _)| Duration::from_secs_f64(mean(&known)))
    }

    /// The durations of a group, or of all groups if it has none; and whether they are its own.
    fn of(&self, group: &str) -> Option<(Vec<f64>, bool)> {
        if let Some(own) = self.groups.get(group) {
            return Some((own.clone(), true));
        }
        // Sorted, so that the same seed gives the same draws.
        let mut all: Vec<f64> = self.groups.values().flatten().copied().collect();
        all.sort_unstable_by(f64::total_cmp);
        (!all.is_empty()).then_some((all, false))
    }

    /// Possible durations of a group's rows.
    pub(super) fn sample(&self, group: &str) -> Option<Sample> {
        let (known, is_own) = self.of(group)?;
        Some(Sample { known, is_own, running: Vec::new(), rests: Vec::new(), drawn: Vec::new(), scale: 1.0 })
    }
}

/// Possible durations of a group's rows, given the known ones. Each draw is a new simulated outcome.
#[derive(Debug)]
pub(super) struct Sample {
    known: Vec<f64>,
    /// Whether the durations are the group's own.
    is_own: bool,
    /// How long each running row has run, in seconds.
    pub(super) running: Vec<f64>,
    /// The time left of each of them, in this outcome.
    pub(super) rests: Vec<f64>,
    drawn: Vec<f64>,
    /// The common error factor of all durations.
    scale: f64,
}

impl Sample {
    /// Draws another outcome.
    pub(super) fn draw(&mut self, rng: &mut Rng) {
        let count = if self.is_own { self.known.len() as f64 } else { 0.5 };
        self.scale = (normal(rng) * PRIOR_SPREAD / count.sqrt()).exp();
        self.drawn = choose(&self.known, self.known.len(), rng);
        self.rests = self.running.iter().map(|elapsed| self.rest(*elapsed, rng)).collect();
        // Short rows end first, so the known durations alone would be too short.
        let whole = self.running.iter().zip(&self.rests).map(|(elapsed, rest)| (elapsed + rest) / self.scale);
        if self.is_own {
            let pool: Vec<f64> = self.known.iter().copied().chain(whole).collect();
            self.drawn = choose(&pool, self.known.len(), rng);
        } else if !self.running.is_empty() {
            self.drawn = whole.collect();
        }
    }

    /// A duration, in seconds.
    pub(super) fn one(&self, rng: &mut Rng) -> f64 {
        self.drawn.get(rng.usize(..self.drawn.len().max(1))).copied().unwrap_or_default() * self.scale
    }

    /// The sum of many durations: enough of them for a normal distribution.
    pub(super) fn sum(&self, count: usize, rng: &mut Rng) -> f64 {
        let (n, many) = (self.drawn.len().max(1) as f64, count as f64);
        let mean = self.drawn.iter().sum::<f64>() / n;
        let variance = self.drawn.iter().map(|took| (took - mean).powi(2)).sum::<f64>() / n;
        (many * mean + (many * variance).sqrt() * normal(rng)).max(0.0) * self.scale
    }

    /// The time left of a row that has been running for this many seconds.
    fn rest(&self, elapsed: f64, rng: &mut Rng) -> f64 {
        let longer = |took: &&f64| **took * self.scale > elapsed;
        let count = self.drawn.iter().filter(longer).count();
        let share = rng.f64().max(0.05);
        if !self.is_own {
            // Nothing is known: assume that half of all rows take more than twice the time so far.
            return elapsed * (1.0 / share - 1.0);
        }
        if count == 0 {
            // It has run longer than all others: the time left grows with the time so far.
            return elapsed * 0.2 * -share.ln();
        }
        let took = self.drawn.iter().filter(longer).nth(rng.usize(..count));
        took.map_or(0.0, |took| took * self.scale - elapsed)
    }
}

/// A sample of the numbers, with replacement.
fn choose(from: &[f64], count: usize, rng: &mut Rng) -> Vec<f64> {
    (0..count).filter_map(|_| from.get(rng.usize(..from.len().max(1)))).copied().collect()
}

/// A number with the mean 0 and the variance 1.
fn normal(rng: &mut Rng) -> f64 {
    let (a, b) = (1.0 - rng.f64(), rng.f64());
    (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
}
