//! Estimates the time left of a batch.

use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeMap, BinaryHeap},
    time::Duration,
};

use fastrand::Rng;
use serde::Serialize;

use super::durations::{Durations, Sample};

/// Number of simulated outcomes.
const DRAWS: usize = 200;
/// The last rows are assigned to slots one by one; for those before them only the sum matters.
const ONE_BY_ONE: usize = 500;

/// A running row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Running<'a> {
    /// Its group.
    pub group: &'a str,
    /// How long it has been running.
    pub elapsed: Duration,
}

/// The time left of a batch: less than `p10` in one of ten cases, more than `p90` in one of ten.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Band {
    /// The short end.
    pub p10: Duration,
    /// The middle.
    pub p50: Duration,
    /// The long end.
    pub p90: Duration,
}

/// Estimates the time left of a batch by assigning its remaining rows to slots, with sampled durations. `ready` has the
/// groups of the waiting rows, in starting order. The same arguments give the same estimate.
///
/// `None` if no duration is known yet, or there are no slots.
pub fn forecast(
    durations: &Durations,
    running: &[Running<'_>],
    ready: &[&str],
    slots: usize,
    seed: u64,
) -> Option<Band> {
    if slots == 0 {
        return None;
    }
    let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
    let mut samples: Vec<Sample> = Vec::new();
    for group in running.iter().map(|row| row.group).chain(ready.iter().copied()) {
        if !groups.contains_key(group) {
            groups.insert(group, samples.len());
            samples.push(durations.sample(group)?);
        }
    }
    let index = |group: &str| groups.get(group).copied().unwrap_or_default();
    for row in running {
        if let Some(sample) = samples.get_mut(index(row.group)) {
            sample.running.push(row.elapsed.as_secs_f64());
        }
    }
    let (many, last) = ready.split_at(ready.len().saturating_sub(ONE_BY_ONE));
    let mut counts = vec![0; samples.len()];
    for group in many {
        if let Some(count) = counts.get_mut(index(group)) {
            *count += 1;
        }
    }
    let work = Work { counts, last: last.iter().map(|group| index(group)).collect(), slots };
    let mut rng = Rng::with_seed(seed);
    let mut ends: Vec<f64> = (0..DRAWS).map(|_| work.end(&mut samples, &mut rng)).collect();
    ends.sort_unstable_by(f64::total_cmp);
    let at = |share: usize| {
        let seconds = ends.get(DRAWS * share / 100).copied().unwrap_or_default();
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    };
    Some(Band { p10: at(10), p50: at(50), p90: at(90) })
}

/// The waiting rows of a batch, by group number.
struct Work {
    /// The number of rows in each group, without the last ones.
    counts: Vec<usize>,
    last: Vec<usize>,
    slots: usize,
}

impl Work {
    /// When everything is over in one simulated outcome, in seconds.
    fn end(&self, samples: &mut [Sample], rng: &mut Rng) -> f64 {
        for sample in samples.iter_mut() {
            sample.draw(rng);
        }
        let mut free: Vec<f64> = samples.iter().flat_map(|sample| &sample.rests).copied().collect();
        free.resize(free.len().max(self.slots), 0.0);
        let sums = self.counts.iter().zip(samples.iter()).filter(|(count, _)| **count > 0);
        let sum = sums.map(|(count, sample)| sample.sum(*count, rng)).sum();
        fill(&mut free, sum, self.slots);
        // More rows may be running than there are slots now: their slots aren't reused.
        free.sort_unstable_by(f64::total_cmp);
        let beyond = free.len() - self.slots;
        let mut end = free.last().copied().unwrap_or_default();
        let mut slots: BinaryHeap<Reverse<Time>> =
            free.into_iter().skip(beyond).map(|at| Reverse(Time(at))).collect();
        for group in &self.last {
            let Some(mut first) = slots.peek_mut() else { break };
            first.0.0 += samples.get(*group).map_or(0.0, |sample| sample.one(rng));
            end = end.max(first.0.0);
        }
        end
    }
}

/// Spreads an amount of work over the slots that become free first, so that they end together.
fn fill(free: &mut [f64], mut sum: f64, slots: usize) {
    if sum <= 0.0 {
        return;
    }
    free.sort_unstable_by(f64::total_cmp);
    let beyond = free.len().saturating_sub(slots);
    let Some(free) = free.get_mut(beyond..) else { return };
    let mut level = free.first().copied().unwrap_or_default();
    for (below, next) in (1_u32..).zip(free.iter().skip(1)) {
        let step = (next - level) * f64::from(below);
        if step >= sum {
            level += sum / f64::from(below);
            sum = 0.0;
            break;
        }
        sum -= step;
        level = *next;
    }
    level += sum / free.len() as f64;
    for at in free {
        *at = at.max(level);
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Time(f64);

impl Eq for Time {}

impl Ord for Time {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Time {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_fills_the_slots_that_are_free_first() {
        let filled = |free: &[f64], sum, slots| {
            let mut free = free.to_vec();
            fill(&mut free, sum, slots);
            free
        };
        assert_eq!(filled(&[4.0, 0.0, 1.0], 2.0, 3), [1.5, 1.5, 4.0]);
        assert_eq!(filled(&[4.0, 0.0, 1.0], 10.0, 3), [5.0, 5.0, 5.0]);
        assert_eq!(filled(&[1.0], 2.0, 1), [3.0]);
        assert_eq!(filled(&[3.0, 1.0], 1.0, 1), [1.0, 4.0]);
    }
}
