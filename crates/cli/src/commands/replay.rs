//! `rhub replay`.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use futures_util::StreamExt as _;
use runninghub::{Event, Outcome, Replay, ReplayRun, Speed, Verdict, say};

use super::context::{Clock, Context};
use crate::{
    args::{self, Format, Shown},
    exit::{Error, Exit},
    report,
    signals::{Signal, Signals},
    terminal, writer,
};

/// Replays a recording, one run after the other.
pub(super) async fn replay(context: &mut Context, args: args::Replay) -> Result<Exit, Error> {
    let default = if terminal::is_terminal() { Speed::Times(1.0) } else { Speed::Max };
    let speed = args.speed.unwrap_or(default);
    let path = PathBuf::from(&args.recording);
    let is_path = path.exists() || args.recording.contains(['/', '\\', '.']);
    let recording = if is_path { path } else { context.recorded(&args.recording).await?.1 };
    let mut replay = Replay::open(&recording)?.speed(speed).previews(true).priors(context.priors()?);
    if let Some(path) = &args.workflow {
        let text = fs::read_to_string(path).map_err(|why| {
            let name = path.display();
            Error::usage(say!("cannot read the workflow {name}: {why}", name, why))
                .hint(say!("`--workflow` names a JSON file in API format"))
        })?;
        replay = replay.workflow(text);
    }
    if let Some(prompt) = args.prompt {
        replay = replay.prompt(prompt);
    }
    if let Some(stream) = args.stream {
        replay = replay.stream(stream);
    }
    let runs = replay.runs()?;
    let mut signals = context.signals()?;
    let factor = if let Speed::Times(times) = speed { times } else { 0.0 };
    let mut common = None;
    for run in runs {
        let exit = match play(context, run, factor, args.shown, &mut signals).await {
            Ok(exit) => exit,
            Err(exit) => return Ok(exit),
        };
        common = match common {
            None => Some(exit),
            Some(before) if before == exit => common,
            Some(_) => Some(Exit::PartialFailure),
        };
    }
    common.ok_or_else(|| Error::usage(say!("the recording contains no run")))
}

/// Replays one run; `Err` if a signal arrived.
async fn play(
    context: &mut Context,
    mut run: ReplayRun,
    speed: f64,
    shown: Shown,
    signals: &mut Signals,
) -> Result<Exit, Exit> {
    context.reporter = report::reporter(context.format, context.printer);
    context.reporter.show_previews(shown);
    context.outcome = Outcome {
        task_id: run.task_id().cloned(),
        prompt_id: run.prompt_id().cloned(),
        status: Verdict::Running,
        ..Outcome::default()
    };
    context.is_reported = false;
    let mut at = Duration::ZERO;
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    loop {
        context.clock = Clock::Tape { at, since: Instant::now(), speed };
        tokio::select! {
            biased;
            signal = signals.next() => match signal {
                Signal::Resize => {}
                Signal::Suspend => context.suspend(),
                signal => {
                    context.outcome.status = Verdict::Detached;
                    return Err(Exit::from(signal));
                }
            },
            // Nothing is paid here, so the reader sets the pace.
            line = async { writer::room().await; run.next().await } => {
                let Some(line) = line else { break };
                at = at.max(line.t);
                // The clock stands still for events at the same time.
                context.clock = Clock::Tape { at, since: Instant::now(), speed: 0.0 };
                context.outcome.task_id = line.task_id;
                if let Event::Result(outcome) = line.event {
                    return Ok(result(context, *outcome));
                }
                context.event(line.event);
            }
            _ = tick.tick(), if context.format == Format::Human => {
                at = context.clock.now();
                context.reporter.tick(at);
            }
        }
        if writer::is_closed() {
            context.is_reported = true;
            return Err(Exit::Done);
        }
    }
    for output in context.outcome.outputs.clone() {
        context.show(Event::Output(output));
    }
    if context.outcome.status == Verdict::Cancelled {
        context.outcome.status = Verdict::Interrupted;
    }
    let exit = match context.outcome.status {
        Verdict::Success => Exit::Done,
        Verdict::Running => Exit::StillRunning,
        _ => Exit::TaskFailed,
    };
    context.report(exit);
    Ok(exit)
}

/// Reports the recorded result with its exit code. An interrupted run counts as still running: its end was not seen.
fn result(context: &mut Context, outcome: Outcome) -> Exit {
    let exit = Exit::of(outcome.exit_code).unwrap_or(Exit::StillRunning);
    context.show(Event::Result(Box::new(outcome)));
    context.is_reported = true;
    exit
}
