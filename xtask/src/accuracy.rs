//! How true the percentage is, measured on the recordings.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::Path,
};

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::StreamExt as _;
use runninghub::{End, Event, Learned, Replay};
use runninghub_core::{Graph, Message, decode_text};
use runninghub_transport::{Body, Recording};
use serde::Deserialize;

/// The recording that is long and mixed enough to measure against time.
const LONG: &str = "40-long";
/// Mean errors that must not be passed, in points.
const EQUAL_WEIGHTS: f64 = 6.5;
const LEARNED_WEIGHTS: f64 = 4.0;
/// Durations of another run of the same workflow differ by up to this share, up or down.
const OTHER_RUN: f64 = 0.3;
const SEEDS: u64 = 32;

/// What a correct machine makes of a recording, and where the arithmetic of the platform's sample script ends.
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

/// Prints both tables; an error when a row is not reproduced or a bound is passed.
pub(crate) fn accuracy(root: &Path) -> Result<()> {
    let fixtures = root.join("fixtures");
    let text = fs::read_to_string(fixtures.join("expected.json")).context("fixtures/expected.json")?;
    let expected: BTreeMap<String, Vec<Expected>> = serde_json::from_str(&text)?;
    println!(
        "{:28} {:12} {:>9} {:>9} {:>9}  script ends at",
        "recording", "end", "settled", "percent", "expected"
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
                && (seen.overall - row.fraction).abs() < 0.000_1;
            println!(
                "{name:28} {end:12} {:>9} {:>8.1}% {:>8.1}%  {:.1}%{}",
                format!("{}/{}", seen.done, seen.total),
                seen.overall * 100.0,
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
    against_time(
        &fixtures.join(LONG),
        expected.get(LONG).and_then(|rows| rows.first()).context("40-long is expected")?,
    )
}

/// The overall figure should be the share of time that has passed.
fn against_time(folder: &Path, row: &Expected) -> Result<()> {
    let first = play(folder, row, 0, Vec::new())?;
    let equal = error(&first.timeline);
    let learned: Vec<(f64, f64)> = (0..SEEDS)
        .map(|seed| Ok(error(&play(folder, row, 0, perturbed(&first.end.learned, seed))?.timeline)))
        .collect::<Result<_>>()?;
    let mean = learned.iter().map(|(mean, _)| mean).sum::<f64>() / learned.len() as f64;
    let worst = learned.iter().map(|(_, worst)| *worst).fold(0.0, f64::max);
    let script = error(&script(folder, row)?);
    println!("error of the overall figure against elapsed time in {LONG}, in points");
    for (what, (mean, worst), bound) in [
        ("the platform's sample script", script, None),
        ("equal weights: a first run", equal, Some(EQUAL_WEIGHTS)),
        ("learned from other runs, ±30 %, 32 of them", (mean, worst), Some(LEARNED_WEIGHTS)),
    ] {
        let bound = bound.map(|bound| format!(", promised ≤ {bound}")).unwrap_or_default();
        println!("{what:44} mean {mean:4.1}, worst {worst:4.1}{bound}");
    }
    if equal.0 > EQUAL_WEIGHTS || mean > LEARNED_WEIGHTS {
        bail!("the percentage is less true than promised");
    }
    Ok(())
}

/// What a replay showed.
struct Seen {
    end: End,
    overall: f64,
    done: usize,
    total: usize,
    /// Seconds since the run began, and the overall figure from then on.
    timeline: Vec<(f64, f64)>,
}

fn play(folder: &Path, row: &Expected, repeat: usize, learned: Vec<Learned>) -> Result<Seen> {
    let runs = Replay::open(folder)?.stream(&row.stream).learned(learned).runs()?;
    let mut mine =
        runs.into_iter().filter(|run| run.prompt_id().is_some_and(|id| id.as_str() == row.prompt_id));
    let run =
        mine.nth(repeat).with_context(|| format!("{} has no run {}", folder.display(), row.prompt_id))?;
    let events: Vec<Event> =
        tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(run.collect());
    let mut seen = Seen { end: End::default(), overall: 0.0, done: 0, total: 0, timeline: Vec::new() };
    for event in events {
        match event {
            Event::Progress(progress) => {
                (seen.overall, seen.done) = (progress.overall.unwrap_or_default(), progress.done);
                seen.total = progress.total.unwrap_or_default();
                seen.timeline.push((progress.elapsed.as_secs_f64(), seen.overall));
            }
            Event::Finished(end) => seen.end = end,
            _ => {}
        }
    }
    Ok(seen)
}

/// Durations as another run might have shown them.
fn perturbed(learned: &[Learned], seed: u64) -> Vec<Learned> {
    let mut random = fastrand::Rng::with_seed(seed);
    learned
        .iter()
        .map(|one| {
            let factor = 1.0 + OTHER_RUN * (2.0 * random.f64() - 1.0);
            Learned::new(one.id.clone(), one.seconds * factor, one.passes)
        })
        .collect()
}

/// Mean and worst difference, in points, between a figure and the share of time. The mean is over time: a figure
/// stands until the next one comes, however long that takes.
fn error(timeline: &[(f64, f64)]) -> (f64, f64) {
    let whole = timeline.last().map_or(0.0, |(at, _)| *at);
    let (mut mean, mut worst): (f64, f64) = (0.0, 0.0);
    for pair in timeline.windows(2) {
        let [(from, figure), (to, _)] = pair else { continue };
        let off = |at: f64| (figure - at / whole).abs() * 100.0;
        mean += f64::midpoint(off(*from), off(*to)) * (to - from) / whole;
        worst = worst.max(off(*from)).max(off(*to));
    }
    (mean, worst)
}

/// The sample script's arithmetic: all nodes of the workflow count, and a node is done when the next one begins.
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
