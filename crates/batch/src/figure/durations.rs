//! How long rows took.

use std::{collections::HashMap, sync::Arc, time::Duration};

use fastrand::Rng;

/// The last so many durations of a group count.
const KEPT: usize = 200;
/// The spread of durations before any are known, as a share: what a few of them cannot show.
const PRIOR_SPREAD: f64 = 0.4;

/// How long rows took from their start to their end, by group. Only durations that were measured: a row whose result was
/// there already says nothing about the next one.
#[derive(Clone, Debug, Default)]
pub struct Durations {
    groups: HashMap<Arc<str>, Vec<f64>>,
}

impl Durations {
    /// A row of a group took so long.
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

    /// The mean of a group; that of all groups if nothing is known about it; `None` if nothing is known at all.
    pub fn mean(&self, group: &str) -> Option<Duration> {
        let mean = |known: &[f64]| known.iter().sum::<f64>() / known.len() as f64;
        self.of(group).map(|(known, _)| Duration::from_secs_f64(mean(&known)))
    }

    /// The durations of a group; of all groups if none are known. Whether they are its own.
    fn of(&self, group: &str) -> Option<(Vec<f64>, bool)> {
        if let Some(own) = self.groups.get(group) {
            return Some((own.clone(), true));
        }
        // In one order, so that the same seed gives the same draws.
        let mut all: Vec<f64> = self.groups.values().flatten().copied().collect();
        all.sort_unstable_by(f64::total_cmp);
        (!all.is_empty()).then_some((all, false))
    }

    /// Durations that the rows of a group may have.
    pub(super) fn sample(&self, group: &str) -> Option<Sample> {
        let (known, is_own) = self.of(group)?;
        Some(Sample { known, is_own, running: Vec::new(), rests: Vec::new(), drawn: Vec::new(), scale: 1.0 })
    }
}

/// Durations that the rows of a group may have, given those that are known. Each draw is another possible world.
#[derive(Debug)]
pub(super) struct Sample {
    known: Vec<f64>,
    /// Whether they are those of this group.
    is_own: bool,
    /// For how many seconds each row that runs has been running.
    pub(super) running: Vec<f64>,
    /// How long each of them still takes, in this world.
    pub(super) rests: Vec<f64>,
    drawn: Vec<f64>,
    /// How far off all durations may be.
    scale: f64,
}

impl Sample {
    /// Draws another possible world.
    pub(super) fn draw(&mut self, rng: &mut Rng) {
        let count = if self.is_own { self.known.len() as f64 } else { 0.5 };
        self.scale = (normal(rng) * PRIOR_SPREAD / count.sqrt()).exp();
        self.drawn = choose(&self.known, self.known.len(), rng);
        self.rests = self.running.iter().map(|elapsed| self.rest(*elapsed, rng)).collect();
        // Short rows are over first. Without those that run the known durations would be too short.
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

    /// The sum of so many durations, for numbers so large that it is normally distributed.
    pub(super) fn sum(&self, count: usize, rng: &mut Rng) -> f64 {
        let (n, many) = (self.drawn.len().max(1) as f64, count as f64);
        let mean = self.drawn.iter().sum::<f64>() / n;
        let variance = self.drawn.iter().map(|took| (took - mean).powi(2)).sum::<f64>() / n;
        (many * mean + (many * variance).sqrt() * normal(rng)).max(0.0) * self.scale
    }

    /// How long a row still takes that has been running for so many seconds.
    fn rest(&self, elapsed: f64, rng: &mut Rng) -> f64 {
        let longer = |took: &&f64| **took * self.scale > elapsed;
        let count = self.drawn.iter().filter(longer).count();
        let share = rng.f64().max(0.05);
        if !self.is_own {
            // Nothing is known: half of all rows take more than twice as long as so far.
            return elapsed * (1.0 / share - 1.0);
        }
        if count == 0 {
            // Longer than all others so far: the longer, the longer still.
            return elapsed * 0.2 * -share.ln();
        }
        let took = self.drawn.iter().filter(longer).nth(rng.usize(..count));
        took.map_or(0.0, |took| took * self.scale - elapsed)
    }
}

/// So many of the numbers, with replacement.
fn choose(from: &[f64], count: usize, rng: &mut Rng) -> Vec<f64> {
    (0..count).filter_map(|_| from.get(rng.usize(..from.len().max(1)))).copied().collect()
}

/// A number with the mean 0 and the variance 1.
fn normal(rng: &mut Rng) -> f64 {
    let (a, b) = (1.0 - rng.f64(), rng.f64());
    (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
}
