//! Runs two programs alternately: their ratio in each round says more than either figure.

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

/// Linux reports processor time in hundredths of a second, whatever the kernel's tick is.
const TICK: Duration = Duration::from_millis(10);

/// The time that a program took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Took {
    pub(super) wall: f64,
    pub(super) cpu: f64,
}

/// Two programs over several rounds, seconds each.
#[derive(Debug)]
pub(super) struct Pairs {
    pub(super) ours: Vec<Took>,
    pub(super) theirs: Vec<Took>,
}

impl Pairs {
    /// Runs both alternately; the first round warms up and does not count.
    pub(super) fn measure(
        rounds: usize,
        mut ours: impl FnMut() -> Result<Command>,
        mut theirs: impl FnMut() -> Result<Command>,
    ) -> Result<Self> {
        let mut pairs = Self { ours: Vec::new(), theirs: Vec::new() };
        for round in 0..=rounds {
            let (a, b) = (run(&mut ours()?)?, run(&mut theirs()?)?);
            if round > 0 {
                pairs.ours.push(a);
                pairs.theirs.push(b);
            }
        }
        Ok(pairs)
    }

    /// The median of the rounds' ratios.
    pub(super) fn ratio(&self) -> f64 {
        median(self.ours.iter().zip(&self.theirs).map(|(a, b)| a.wall / b.wall))
    }

    /// The ratio of total processor time, for runs that are long enough to measure it.
    pub(super) fn cpu(&self) -> f64 {
        let sum = |all: &[Took]| all.iter().map(|took| took.cpu).sum::<f64>();
        sum(&self.ours) / sum(&self.theirs)
    }

    /// Both medians as text.
    pub(super) fn note(&self, them: &str) -> String {
        let wall = |all: &[Took]| median(all.iter().map(|took| took.wall));
        format!("{} against {} for {them}", time(wall(&self.ours)), time(wall(&self.theirs)))
    }
}

/// Runs a program to success, with its output discarded.
pub(super) fn run(command: &mut Command) -> Result<Took> {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let (start, before) = (Instant::now(), children()?);
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    let wall = start.elapsed().as_secs_f64();
    ensure!(status.success(), "{command:?} failed: {status}");
    Ok(Took { wall, cpu: children()? - before })
}

/// Processor time of all finished children, in seconds.
pub(super) fn children() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat").context("processor time is read from /proc")?;
    // The name, in parentheses, may contain anything; the first field after it is number 3, and 16 and 17 are needed.
    let (_, fields) = stat.rsplit_once(')').context("/proc/self/stat has another form")?;
    let ticks = fields.split_whitespace().skip(13).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()? * TICK.as_secs_f64())
}

pub(super) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn time(seconds: f64) -> String {
    if seconds < 0.1 { format!("{:.1} ms", seconds * 1e3) } else { format!("{seconds:.2} s") }
}
