//! The loop of every command that watches a task.

use std::{future::pending, ops::ControlFlow, time::Duration};

use clap::parser::ValueSource;
use futures_util::StreamExt as _;
use runninghub::{
    ErrorKind, Event, Follow, Intermediate, Intermediates, Run, Service, Transfer, Verdict, say,
};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::{
    context::{Context, ways_back},
    save::{self, Destination},
};
use crate::{
    args, bug,
    exit::{Error, Exit},
    signals::{Signal, Signals},
    writer,
};

/// How often to redraw when only time has passed.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// How to watch.
#[derive(Debug)]
pub(super) struct Following {
    pub(super) destination: Option<Destination>,
    pub(super) timeout: Option<Duration>,
    pub(super) cancel_on_interrupt: bool,
    /// Whether the task outlives this process.
    pub(super) outlives: bool,
}

impl Following {
    /// Reads the options. Checks that results can be saved before anything is paid.
    pub(super) fn new(
        saving: args::Saving,
        follow: &args::FollowOptions,
        service: &dyn Service,
    ) -> Result<Self, Error> {
        let args::Saving { out, name, keep_intermediate } = saving;
        if keep_intermediate && out.is_none() {
            return Err(Error::usage(say!("`--keep-intermediate` has no folder to save to"))
                .hint(say!("choose one with `--out DIR`")));
        }
        let destination = out.map(|dir| Destination::new(dir, name, keep_intermediate));
        if let Some(destination) = &destination {
            destination.check(service)?;
        }
        Ok(Self {
            destination,
            timeout: follow.timeout,
            cancel_on_interrupt: follow.cancel_on_interrupt,
            outlives: true,
        })
    }
}

enum Turn {
    Event(Option<Result<Event, runninghub::Error>>),
    Transfer(Transfer),
    Kept(Intermediate),
    Signal(Signal),
    Tick,
    Timeout,
}

/// Attaches to a task submitted earlier. Its server may be slow to respond, so signals are handled meanwhile.
pub(super) async fn take_up(
    context: &mut Context,
    service: &dyn Service,
    wanted: Follow,
    signals: &mut Signals,
) -> Result<ControlFlow<Exit, Run>, Error> {
    let task = wanted.id().clone();
    bug::has(&task);
    context.outcome.task_id = Some(task.clone());
    Ok(match context.watch_files(signals, service.follow(wanted)).await {
        Ok(run) => ControlFlow::Continue(run?),
        Err(signal) => {
            context.outcome.status = Verdict::Detached;
            let advice = ways_back(context, service.place(), &task, None);
            context.advice.push(advice);
            ControlFlow::Break(Exit::from(signal))
        }
    })
}

/// Watches a task to its end, or until a signal arrives.
pub(super) async fn follow(
    context: &mut Context,
    service: &dyn Service,
    mut run: Run,
    signals: &mut Signals,
    following: &Following,
) -> Result<Exit, Error> {
    context.outcome.task_id = Some(run.task_id().clone());
    context.outcome.attempt_id = run.attempt().map(ToString::to_string);
    // Text output with `--quiet` shows no progress.
    run.ticks(context.format == args::Format::Json || !context.global.quiet);
    let deadline = following.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut cancelling = false;
    let mut kept = following.destination.as_ref().and_then(|to| to.intermediates(service, run.task_id()));
    loop {
        let turn = tokio::select! {
            biased;
            signal = signals.next() => Turn::Signal(signal),
            event = run.next() => Turn::Event(event),
            transfer = context.transfers.next() => Turn::Transfer(transfer),
            Some(one) = next_kept(&mut kept) => Turn::Kept(one),
            () = until(deadline) => Turn::Timeout,
            _ = tick.tick() => Turn::Tick,
        };
        if let (Some(kept), Turn::Event(Some(Ok(event)))) = (&mut kept, &turn) {
            kept.see(event);
        }
        match turn {
            Turn::Event(Some(Ok(Event::Finished(end)))) => {
                context.event(Event::Finished(end.clone()));
                return save::finish(context, service, &run, &end, following, kept, signals).await;
            }
            Turn::Event(Some(Ok(event))) => context.event(event),
            Turn::Event(Some(Err(error))) => {
                // An unknown task can be neither followed nor cancelled.
                if error.kind() == ErrorKind::StillRunning || !error.is_unknown_task() {
                    leave(context, service, &run, following);
                }
                return Err(error.into());
            }
            Turn::Event(None) => {
                return Err(Error::new(Exit::Network, say!("the task can no longer be followed")));
            }
            Turn::Transfer(transfer) => context.transfer(transfer),
            Turn::Kept(one) => save::intermediate(context, &one),
            Turn::Tick | Turn::Signal(Signal::Resize) => context.reporter.tick(context.clock.now()),
            Turn::Timeout => {
                context.outcome.status = Verdict::Timeout;
                warn_of_timeout(context, following.timeout);
                leave(context, service, &run, following);
                return Ok(Exit::StillRunning);
            }
            Turn::Signal(Signal::Suspend) => context.suspend(),
            Turn::Signal(Signal::Interrupt) if following.cancel_on_interrupt && !cancelling => {
                cancelling = true;
                context.handled_signal = Some(Signal::Interrupt);
                match context.watch_files(signals, run.cancel()).await {
                    Ok(Ok(())) => {
                        context.warn(
                            "cancelling",
                            say!("cancelling the task; press Ctrl-C again to leave it running"),
                        );
                    }
                    Ok(Err(error)) => context.warn("cancel_failed", Error::from(error).message),
                    Err(signal) => return Ok(detach(context, service, &run, following, signal)),
                }
            }
            Turn::Signal(signal) => return Ok(detach(context, service, &run, following, signal)),
        }
        // The reader of stdout is gone. With `--out` the files are still needed.
        if writer::is_closed() && following.destination.is_none() {
            context.is_reported = true;
            leave(context, service, &run, following);
            return Ok(Exit::StillRunning);
        }
    }
}

/// Stops watching the task because of a signal.
fn detach(
    context: &mut Context,
    service: &dyn Service,
    run: &Run,
    following: &Following,
    signal: Signal,
) -> Exit {
    context.outcome.status = Verdict::Detached;
    leave(context, service, run, following);
    Exit::from(signal)
}

/// Prints the commands to watch or cancel the task later.
fn leave(context: &mut Context, service: &dyn Service, run: &Run, following: &Following) {
    if following.outlives {
        let advice = ways_back(context, service.place(), run.task_id(), run.workflow_id());
        context.advice.push(advice);
    } else {
        context.advice.push(say!("the simulator has stopped, and its task with it"));
    }
}

/// Says what ended the wait. A variable or a profile may have been set long ago.
pub(super) fn warn_of_timeout(context: &mut Context, timeout: Option<Duration>) {
    let after = timeout.unwrap_or_default().as_secs_f64();
    let option = match context.global.sources.get("timeout") {
        Some(ValueSource::CommandLine) => "--timeout".to_owned(),
        _ => context.global.variable("timeout").unwrap_or("rhub config get timeout".to_owned()),
    };
    context.warn(
        "timeout",
        say!("stopped waiting after {after} s (`{option}`); the task continues", after, option),
    );
}

/// The next intermediate file that was saved.
async fn next_kept(kept: &mut Option<Intermediates>) -> Option<Intermediate> {
    match kept {
        Some(kept) => kept.next().await,
        None => pending().await,
    }
}

pub(super) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}
