//! The accuracy of the percentage, measured on the recordings and on timelines of real runs.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::Path,
};

use anyhow::{Context as _, Result, ensure};
use futures_util::StreamExt as _;
use runninghub::{End, Event, Learned, Replay};
use runninghub_core::{Graph, Message, decode_text};
use runninghub_transport::{Body, Recording};
use serde::Deserialize;

use super::{
    batches,
    timeline::{error, perturbed},
    timelines,
};

/// Minimum length of a recording, in seconds: shorter ones say little about time.
const LEAST: f64 = 5.0;
/// The maximum mean error of a first run of these recordings: the long and mixed one, and the one of a native loop.
const BOUNDS: [(&str, f64); 2] = [("40-long", 6.4), ("v0.33.0-50-loop", 8.0)];
/// The maximum relative difference of durations in another run of the same workflow, up or down.
const OTHER_RUN: f64 = 0.3;
pub(super) const SEEDS: u64 = 8;

/// The correct result for a recording, and the final percentage of the platform's sample script.
#[derive(Deserialize)]
struct Expected {
    prompt_id: String,
    stream: String,
    end: String,
    fraction: f64,
    settled: usize,
    total: usize,
    seed_final_pct: f64,
}

/// Prints the tables; an error if a row is not reproduced or a bound is exceeded.
pub(crate) fn accuracy(root: &Path) -> Result<()> {
    let fixtures = root.join("fixtures");
    let text = fs::read_to_string(fixtures.join("expected.json")).context("fixtures/expected.json")?;
    let expected: BTreeMap<String, Vec<Expected>> = serde_json::from_str(&text)?;
    println!(
        "{:28} {:12} {:>9} {:>9} {:>9}  script ends at",
        "recording", "end", "settled", "counted", "expected"
    );
    let (mut rows, mut wrong) = (0, 0);
    for (name, wanted) in &expected {
        for (at, row) in wanted.iter().enumerate() {
            let repeat = wanted
                .iter()
                .take(at)
                .filter(|one| (&one.prompt_id, &one.stream) == (&row.prompt_id, &row.stream));
            let seen = play(&fixtures.join(name), row, repeat.count(), Vec::new())?;
            let end = if seen.end.phase.is_final() { seen.end.phase.as_str() } else { "running" };
            let right = end == row.end
                && (seen.done, seen.total) == (row.settled, row.total)
                && (seen.counted - row.fraction).abs() < 0.000_1;
            println!(
                "{name:28} {end:12} {:>9} {:>8.1}% {:>8.1}%  {:.1}%{}",
                format!("{}/{}", seen.done, seen.total),
                seen.counted * 100.0,
                row.fraction * 100.0,
                row.seed_final_pct,
                if right { "" } else { "  WRONG" },
            );
            rows += 1;
            wrong += usize::from(!right);
        }
    }
    println!("{} of {rows} rows as expected\n", rows - wrong);
    ensure!(wrong == 0, "{wrong} rows are not what a correct machine makes of them");
    against_time(&fixtures, &expected)
}

/// Overall progress should equal the share of elapsed time.
fn against_time(fixtures: &Path, expected: &BTreeMap<String, Vec<Expected>>) -> Result<()> {
    println!("difference between the overall figure and the share of time, in points: mean / worst\n");
    println!(
        "{:18} {:>13} {:>13} {:>13} {:>13}",
        "", "sample script", "first run", "learned once", "three times"
    );
    let mut bounds = Bounds::default();
    for (name, rows) in expected {
        let (folder, Some(row)) = (fixtures.join(name), rows.first()) else { continue };
        let first = play(&folder, row, 0, Vec::new())?;
        let seconds = first.timeline.last().map_or(0.0, |(at, _)| *at);
        if row.end != "success" || seconds < LEAST {
            continue;
        }
        let learned = |runs: u64| -> Result<(f64, f64)> {
            let off = (0..SEEDS).map(|seed| {
                let shown = several(&first.end.learned, seed, runs);
                Ok(error(&play(&folder, row, 0, shown)?.timeline))
            });
            Ok(mean(&off.collect::<Result<Vec<_>>>()?))
        };
        let off = error(&first.timeline);
        let script = error(&script(&folder, row)?);
        println!("{name:18} {} {} {} {}", pair(script), pair(off), pair(learned(1)?), pair(learned(3)?));
        if let Some((_, most)) = BOUNDS.iter().find(|(bound, _)| bound == name) {
            bounds.at_most(&format!("{name}, first run"), off.0, *most);
        }
    }
    timelines::measure(&fixtures.join("timelines"), &mut bounds);
    batches::measure(&mut bounds);
    bounds.finish()
}

/// Durations as this many other runs might have shown them.
pub(super) fn several(learned: &[Learned], seed: u64, runs: u64) -> Vec<Learned> {
    (0..runs).flat_map(|run| perturbed(learned, 1 + seed * 3 + run, OTHER_RUN)).collect()
}

pub(super) fn mean(all: &[(f64, f64)]) -> (f64, f64) {
    let count = all.len().max(1) as f64;
    (all.iter().map(|one| one.0).sum::<f64>() / count, all.iter().map(|one| one.1).sum::<f64>() / count)
}

pub(super) fn pair((mean, worst): (f64, f64)) -> String {
    format!("{:>13}", format!("{mean:.1} / {worst:.1}"))
}

/// Checks the bounds, and collects the violations.
#[derive(Debug, Default)]
pub(super) struct Bounds(Vec<String>);

impl Bounds {
    pub(super) fn at_most(&mut self, what: &str, value: f64, most: f64) {
        self.within(what, value, (f64::NEG_INFINITY, most));
    }

    pub(super) fn within(&mut self, what: &str, value: f64, (low, high): (f64, f64)) {
        if !(low..=high).contains(&value) {
            self.0.push(format!(
                "{what}: {value:.1}, promised {}",
                if low.is_finite() { format!("{low} to {high}") } else { format!("≤ {high}") }
            ));
        }
    }

    fn finish(self) -> Result<()> {
        ensure!(self.0.is_empty(), "the percentage is less true than promised\n{}", self.0.join("\n"));
        Ok(())
    }
}

/// The events of a replay.
struct Seen {
    end: End,
    counted: f64,
    done: usize,
    total: usize,
    /// Seconds since the run started, and overall progress from then on.
    timeline: Vec<(f64, f64)>,
}

fn play(folder: &Path, row: &Expected, repeat: usize, learned: Vec<Learned>) -> Result<Seen> {
    let runs = Replay::open(folder)?.stream(&row.stream).learned(learned).runs()?;
    let mut mine =
        runs.into_iter().filter(|run| run.prompt_id().is_some_and(|id| id.as_str() == row.prompt_id));
    let run =
        mine.nth(repeat).with_context(|| format!("{} has no run {}", folder.display(), row.prompt_id))?;
    let events: Vec<Event> = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?
        .block_on(run.map(|line| line.event).collect());
    let mut seen = Seen { end: End::default(), counted: 0.0, done: 0, total: 0, timeline: Vec::new() };
    for event in events {
        match event {
            Event::Progress(progress) => {
                (seen.counted, seen.done) = (progress.counted.unwrap_or_default(), progress.done);
                seen.total = progress.total.unwrap_or_default();
                seen.timeline.push((progress.elapsed.as_secs_f64(), progress.overall.unwrap_or_default()));
            }
            Event::Finished(end) => seen.end = end,
            _ => {}
        }
    }
    Ok(seen)
}

/// The sample script's calculation: all nodes of the workflow count, and a node is done when the next one starts.
fn script(folder: &Path, row: &Expected) -> Result<Vec<(f64, f64)>> {
    let recording = Recording::open(folder)?;
    let text = recording.workflow_text(0)?.context("the workflow")?;
    let total = Graph::parse(&text)?.nodes().len() as f64;
    let (mut done, mut current) = (HashSet::new(), String::new());
    let (mut began, mut timeline) = (None, Vec::new());
    for line in recording.tapes(&row.stream)?.into_iter().flat_map(|tape| tape.rows) {
        let Some(Body::Text(text)) = line.frame().map(|frame| frame.body) else { continue };
        let at = line.at_ms / 1000.0;
        match decode_text(&text, &mut String::new()) {
            Message::ExecutionStart { .. } => began = Some(at),
            Message::ExecutionCached { nodes, .. } => done.extend(nodes.into_iter().map(String::from)),
            Message::Executing { node, .. } => {
                let next = node.map(String::from).unwrap_or_default();
                let previous = std::mem::replace(&mut current, next);
                if !previous.is_empty() {
                    done.insert(previous);
                }
            }
            Message::ExecutionSuccess { .. } => drop(done.insert(current.clone())),
            _ => {}
        }
        if let Some(began) = began {
            timeline.push((at - began, done.len() as f64 / total));
        }
    }
    Ok(timeline)
}
