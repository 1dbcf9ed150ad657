//! Group A: how soon the end is noticed, with how many calls, and how well the start of a run is covered.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, future::join_all};
use runninghub::{ApiKey, Event, Phase, RunningHub, Service as _, Submit};
use runninghub_sim::{Fault, Scenario, ScriptNode, Sim};
use tokio::{sync::Semaphore, time::timeout};

use crate::{
    Result,
    row::{Row, max, median},
    server::on_thread,
};

/// Concurrent runs: few enough that neither client nor simulator builds up a queue.
const AT_ONCE: usize = 24;
/// A run that has not ended this long after it should have counts as not noticed.
const PATIENCE: Duration = Duration::from_mins(1);
/// Length of the last node in the cases where the socket stays silent during it.
const SILENCE: f64 = 5.0;
/// How much later than the last frame the outputs are.
const LAG: Duration = Duration::from_millis(400);
/// Limit for the median with a live socket, in ms; the limit for the longest is five times that.
const LIVE_MS: f64 = 50.0;

/// A situation; each of its runs uses a separate workflow, so that faults and lengths can differ.
struct Case {
    name: &'static str,
    goal: &'static str,
    /// Length of the shortest run, in seconds.
    length: f64,
    /// Limit for the median delay until the end is noticed, in ms.
    limit: f64,
    faults: fn(f64) -> Vec<Fault>,
}

const fn case(
    name: &'static str,
    goal: &'static str,
    length: f64,
    limit: f64,
    faults: fn(f64) -> Vec<Fault>,
) -> Case {
    Case { name, goal, length, limit, faults }
}

const QUEUE: &str = "8 s in the queue, then 10 s";
const SETTLE: &str = "outputs 0.4 s after the last frame";
const TEN: &str = "10 s task";
const LONG: &str = "60 s task";
const LONG_QUEUE: &str = "160 s in the queue";

const CASES: [Case; 15] = [
    case("0.1 s task", "A2", 0.1, LIVE_MS, |_| vec![]),
    case("1 s task", "A2", 1.0, LIVE_MS, |_| vec![]),
    case(TEN, "A2", 10.0, LIVE_MS, |_| vec![]),
    case(QUEUE, "A2", 10.0, LIVE_MS, |length| vec![Fault::QueueDelay(Duration::from_secs_f64(0.8 * length))]),
    case("address in the answer to create", "A2", 10.0, LIVE_MS, |_| vec![Fault::UrlInCreate]),
    case("task fails", "A2", 10.0, LIVE_MS, |_| vec![Fault::TaskFails]),
    case("socket cut in the middle", "A2", 10.0, LIVE_MS, |length| {
        vec![Fault::DropAt { frame: steps(length) as usize, times: 1 }]
    }),
    // Before the task is over, so that the first response still reports it as running.
    case("socket cut 50 ms before its last frames", "A3", 10.0, 250.0, |_| {
        vec![Fault::CutBeforeEnd(Duration::from_millis(50))]
    }),
    case(SETTLE, "A3", 10.0, 250.0, |_| vec![Fault::Settle(LAG)]),
    // The poll after a second falls between the last frame and the outputs.
    case("address first seen after the last frame", "A3", 0.65, 250.0, |length| {
        vec![Fault::LateJoin(Duration::from_secs_f64(length)), Fault::Settle(LAG)]
    }),
    case("the last frames never come", "A4", 10.0, 1500.0, |_| vec![Fault::LastFramesNever]),
    case("silent through the last node of 5 s", "A4", 10.0, 1500.0 + 250.0 * SILENCE, |length| {
        vec![Fault::SilenceAt(LAST_NODE + 2 * steps(length) as usize)]
    }),
    case("never an address", "A1", 10.0, f64::INFINITY, |_| vec![Fault::UrlNever]),
    case(LONG, "A2", 60.0, LIVE_MS, |_| vec![]),
    case(LONG_QUEUE, "A2", 5.0, LIVE_MS, |_| vec![Fault::QueueDelay(Duration::from_secs(160))]),
];

/// Number of frames before and after those of the sampler's steps, up to the second one of the last node.
const LAST_NODE: usize = 15;

/// The result of one run; times in ms.
#[derive(Clone, Copy)]
struct Sample {
    late: f64,
    /// Excludes the one call for the node map.
    calls: f64,
    blind: f64,
}

pub(crate) async fn measure(quick: bool) -> Result {
    let runs = |case: &Case| match case.name {
        LONG | LONG_QUEUE if quick => 0,
        LONG | LONG_QUEUE => 2,
        _ if quick => 3,
        _ => 10,
    };
    let sim = simulator(CASES.iter().enumerate().map(|(at, case)| (at, case, runs(case))))?;
    let turn = Semaphore::new(AT_ONCE);
    // The longest first.
    let mut samples = join_all(CASES.iter().enumerate().rev().map(async |(at, case)| {
        join_all((0..runs(case)).map(async |run| {
            let _turn = turn.acquire().await.ok()?;
            let limit = PATIENCE + Duration::from_secs_f64(length(case, run) + 170.0);
            let outcome =
                timeout(limit, follow(&sim, &id(at, run), case)).await.map_err(Into::into).flatten();
            outcome.inspect_err(|error| eprintln!("{}: {error}", case.name)).ok()
        }))
        .await
    }))
    .await;
    samples.reverse();
    report(&samples)
}

/// Follows one task to its end with a separate client, like a separate process.
async fn follow(sim: &Sim, workflow: &str, case: &Case) -> Result<Sample> {
    let hub = RunningHub::builder(ApiKey::new(Sim::DEMO_KEY)?).base_url(sim.base_url()).build()?;
    let mut run = hub.submit(Submit::workflow(workflow)).await?;
    let (mut seen, mut end) = (None, None);
    while let Some(event) = run.next().await {
        match event? {
            Event::Progress(progress) if progress.done > 0 || !progress.current.is_empty() => {
                seen.get_or_insert_with(Instant::now);
            }
            Event::Finished(ended) => end = Some((ended, Instant::now())),
            _ => {}
        }
    }
    let (end, noticed) = end.ok_or("the run ended without a word")?;
    let wanted = if case.name == "task fails" { Phase::Failed } else { Phase::Success };
    if end.phase != wanted || end.outputs.len() != usize::from(wanted == Phase::Success) {
        return Err(format!("{} with {} files", end.phase.as_str(), end.outputs.len()).into());
    }
    let task = run.task_id().as_str();
    let task = sim.tasks().into_iter().find(|info| info.task_id == task).ok_or("the task is unknown")?;
    let ms = |from: Instant, to: Instant| to.saturating_duration_since(from).as_secs_f64() * 1e3;
    Ok(Sample {
        late: ms(task.ready_at, noticed),
        calls: task.calls as f64 + 1.0,
        blind: ms(task.started_at, seen.unwrap_or(noticed)),
    })
}

fn report(samples: &[Vec<Option<Sample>>]) -> Result {
    let of = |name: &str| {
        let at = CASES.iter().position(|case| case.name == name).unwrap_or_default();
        samples.get(at).into_iter().flatten().flatten().copied().collect::<Vec<_>>()
    };
    let all = |pick: fn(&Sample) -> f64, samples: &[Sample]| samples.iter().map(pick).collect::<Vec<_>>();
    let (runs, noticed) = (samples.iter().flatten().count(), samples.iter().flatten().flatten().count());
    Row::new("A1", format!("ends noticed, of {runs} runs in all situations"), noticed as f64, "")
        .at_least(runs as f64)
        .print()?;
    let mut live = Vec::new();
    for case in &CASES {
        let samples = of(case.name);
        if samples.is_empty() {
            continue;
        }
        let (late, calls) = (all(|s| s.late, &samples), all(|s| s.calls, &samples));
        let row = Row::new(case.goal, format!("noticed: {}", case.name), median(&late), "ms");
        let row = if case.limit.is_finite() { row.at_most(case.limit) } else { row };
        let blind = median(&all(|s| s.blind, &samples));
        row.note(format!("longest {:.0} ms, {:.0} calls, blind {blind:.0} ms", max(&late), median(&calls)))
            .print()?;
        if case.goal == "A2" {
            live.extend(late);
        }
    }
    Row::new("A2", "the longest of all with a live socket", max(&live), "ms")
        .at_most(5.0 * LIVE_MS)
        .print()?;
    let calls = |name, limit, goal| -> Result {
        let calls = all(|s| s.calls, &of(name));
        if calls.is_empty() {
            return Ok(());
        }
        Row::new(goal, format!("calls: {name}"), max(&calls), "")
            .at_most(limit)
            .note("without the node map")
            .print()
    };
    calls(TEN, 4.0, "A6")?;
    calls(LONG, 4.0, "A6")?;
    calls(SETTLE, 7.0, "A6")?;
    calls(LONG_QUEUE, 3.0 + 165.0 / 5.0, "A7")?;
    let blind = |name, limit| {
        let blind = all(|s| s.blind, &of(name));
        let row = Row::new("A8", format!("blind: {name}"), median(&blind), "ms").at_most(limit);
        row.note(format!("longest {:.0} ms", max(&blind))).print()
    };
    blind(TEN, 100.0)?;
    blind(QUEUE, 3000.0)
}

/// A simulator with a workflow for each run.
fn simulator<'a>(cases: impl Iterator<Item = (usize, &'a Case, usize)>) -> Result<Sim> {
    let mut builder = Sim::builder().concurrency(usize::MAX);
    for (at, case, runs) in cases {
        for run in 0..runs {
            let (id, length) = (id(at, run), length(case, run));
            builder = builder.scenario_named(&id, scenario(&id, case, length));
            for fault in (case.faults)(length) {
                builder = builder.fault_for(&id, fault);
            }
        }
    }
    on_thread(builder)
}

fn id(case: usize, run: usize) -> String {
    format!("19790263798806{case:02}{run:03}")
}

/// Half a second more for each run, so that no polling interval is favored; short tasks grow in proportion.
fn length(case: &Case, run: usize) -> f64 {
    case.length * (1.0 + 0.05 * run as f64)
}

/// About ten frames a second, of two kinds.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred at most")]
fn steps(length: f64) -> u32 {
    (length * 5.0).ceil() as u32
}

fn scenario(name: &str, case: &Case, length: f64) -> Scenario {
    // Nodes without steps are short, or the silence would count while they run.
    let part = |share: f64| Duration::from_secs_f64((length * share).min(0.5));
    let save = if case.name.starts_with("silent") { Duration::from_secs_f64(SILENCE) } else { part(0.05) };
    let sampler = Duration::from_secs_f64(length).saturating_sub(part(0.05) + part(0.1) + save);
    Scenario::script(name)
        .node(ScriptNode::new("4", "CheckpointLoaderSimple").cached())
        .node(ScriptNode::new("6", "CLIPTextEncode").link("clip", "4", 1).takes(part(0.05)))
        .node(
            ScriptNode::new("3", "KSampler")
                .link("model", "4", 0)
                .link("positive", "6", 0)
                .takes(sampler)
                .steps(steps(length)),
        )
        .node(ScriptNode::new("8", "VAEDecode").link("samples", "3", 0).takes(part(0.1)))
        .node(ScriptNode::new("9", "SaveImage").link("images", "8", 0).takes(save).saves("a_00001_.png"))
        .build()
}
