//! Durations learned from earlier runs of the same workflow.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::NodeId;

/// The time a node took in an earlier run of the same workflow.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Learned {
    /// The node.
    pub id: NodeId,
    /// Seconds, including the children of its expansion.
    pub seconds: f64,
    /// The number of passes of its counter.
    pub passes: u32,
    /// Seconds the table expected for the inputs of that run; 0 if unknown. The ratio of actual to expected seconds
    /// stays comparable when steps or sizes change.
    #[serde(default)]
    pub work: f64,
    /// Seconds between the last counted step and the node's end.
    #[serde(default)]
    pub tail: f64,
    /// Whether models were loaded in that run.
    #[serde(default)]
    pub cold: bool,
    /// The instance type it ran on; empty if unknown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub instance: String,
}

impl Learned {
    /// A node's duration in seconds and its passes.
    pub fn new(id: NodeId, seconds: f64, passes: u32) -> Self {
        Self { id, seconds, passes, work: 0.0, tail: 0.0, cold: false, instance: String::new() }
    }

    /// Learned durations come from untrusted files, so the numbers are checked.
    fn is_usable(&self) -> bool {
        (0.0..=LONGEST).contains(&self.seconds) && self.work.is_finite() && self.tail.is_finite()
    }

    /// Actual seconds per expected second of work.
    fn ratio(&self, work: f64) -> f64 {
        self.seconds / if self.work > 0.0 { self.work } else { work }
    }
}

/// Learned durations come from files. More than a year is nonsense, and would make the sum infinite.
const LONGEST: f64 = 365.0 * 86_400.0;
/// Two imaginary earlier runs, each off by a quarter: the uncertainty that a single run cannot show.
const PRIOR_RUNS: f64 = 2.0;
const PRIOR_SPREAD: f64 = 0.25;
const SPREAD: (f64, f64) = (0.12, 0.6);

/// Durations of one node from several runs, scaled to the work of the next run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) seconds: f64,
    /// The standard deviation of the logarithm of the duration.
    pub(crate) sigma: f64,
    pub(crate) passes: u32,
    pub(crate) tail: f64,
}

/// Learned durations of a node: for runs with models already loaded, and for runs that load them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memories {
    warm: Memory,
    cold: Memory,
}

impl Memories {
    /// The usable entries, by node.
    pub(crate) fn by_node(all: &[Learned]) -> HashMap<&NodeId, Vec<&Learned>> {
        let mut nodes: HashMap<&NodeId, Vec<&Learned>> = HashMap::new();
        for one in all.iter().filter(|one| one.is_usable()) {
            nodes.entry(&one.id).or_default().push(one);
        }
        nodes
    }

    /// `None` if there are no entries. `work` is the table's expectation for this run, in seconds, above zero.
    pub(crate) fn new(runs: &[&Learned], work: f64) -> Option<Self> {
        let of = |cold: bool| {
            let like: Vec<&Learned> = runs.iter().copied().filter(|one| one.cold == cold).collect();
            Memory::new(if like.len() >= 2 { &like } else { runs }, work)
        };
        Some(Self { warm: of(false)?, cold: of(true)? })
    }

    pub(crate) fn of(&self, cold: bool) -> &Memory {
        if cold { &self.cold } else { &self.warm }
    }
}

impl Memory {
    fn new(runs: &[&Learned], work: f64) -> Option<Self> {
        let ratio = median(runs.iter().map(|one| one.ratio(work)))?;
        let tail = median(runs.iter().map(|one| one.tail.max(0.0) / one.seconds.max(1e-3)))?;
        let mut passes: Vec<u32> = runs.iter().map(|one| one.passes.max(1)).collect();
        passes.sort_unstable();
        let seconds = (ratio * work).min(LONGEST);
        let off = |one: &&Learned| (one.ratio(work).max(1e-6) / ratio.max(1e-6)).ln().powi(2);
        let squares = PRIOR_RUNS * PRIOR_SPREAD.powi(2) + runs.iter().map(off).sum::<f64>();
        let sigma = (squares / (runs.len() as f64 + PRIOR_RUNS - 1.0)).sqrt();
        Some(Self {
            seconds,
            sigma: sigma.clamp(SPREAD.0, SPREAD.1),
            passes: passes.get(passes.len() / 2).copied().unwrap_or(1),
            tail: (tail * seconds).min(seconds),
        })
    }
}

/// The middle value; for an even count, the mean of the two middle values.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.get(values.len().checked_sub(1)? / 2)?, values.get(values.len() / 2)?);
    Some(f64::midpoint(*low, *high))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(seconds: f64, work: f64, cold: bool) -> Learned {
        Learned { work, cold, ..Learned::new("1".into(), seconds, 1) }
    }

    fn seconds(runs: &[Learned], work: f64, cold: bool) -> f64 {
        let runs: Vec<&Learned> = runs.iter().collect();
        Memories::new(&runs, work).expect("an entry").of(cold).seconds
    }

    #[test]
    fn twice_the_steps_are_twice_the_seconds() {
        assert!((seconds(&[run(10.0, 5.0, false)], 10.0, false) - 20.0).abs() < 1e-9);
        assert!((seconds(&[run(10.0, 0.0, false)], 10.0, false) - 10.0).abs() < 1e-9, "an old file");
    }

    #[test]
    fn an_outlier_does_not_move_the_median() {
        let runs = [run(10.0, 5.0, false), run(11.0, 5.0, false), run(900.0, 5.0, false)];
        assert!((seconds(&runs, 5.0, false) - 11.0).abs() < 1e-9);
    }

    #[test]
    fn cold_runs_are_kept_apart_once_there_are_two() {
        let mut runs = vec![run(10.0, 5.0, false), run(12.0, 5.0, false), run(60.0, 5.0, true)];
        assert!((seconds(&runs, 5.0, false) - 11.0).abs() < 1e-9);
        assert!((seconds(&runs, 5.0, true) - 12.0).abs() < 1e-9, "one cold run alone proves nothing");
        runs.push(run(62.0, 5.0, true));
        assert!((seconds(&runs, 5.0, true) - 61.0).abs() < 1e-9);
    }

    #[test]
    fn nonsense_from_a_file_is_left_out() {
        let all = [
            run(f64::NAN, 1.0, false),
            run(-1.0, 1.0, false),
            run(1e300, 1.0, false),
            run(1.0, f64::INFINITY, false),
        ];
        assert!(Memories::by_node(&all).is_empty());
        let memory = Memory::new(&[&run(0.0, 1e-300, false)], 1.0).expect("an entry");
        assert!(memory.seconds.is_finite() && memory.sigma.is_finite() && memory.tail.is_finite());
    }
}
