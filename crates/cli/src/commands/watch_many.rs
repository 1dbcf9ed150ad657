//! `rhub watch` of several tasks at once.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use runninghub::{Event, Finished, Follow, Handle, Line, Output, TaskId, Verdict, Workspace, say};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, MissedTickBehavior, interval},
};

use super::{
    context::Context,
    follow::{TICK, until, warn_of_timeout},
    run::first_given,
    save::Destination,
};
use crate::{
    args,
    exit::{Error, Exit},
    signals::{Signal, Signals},
    writer,
};

/// Follows several tasks, each to its end. The workspace owns their runs, as in every front end.
pub(super) async fn watch(context: &mut Context, ids: &[String], args: args::Watch) -> Result<Exit, Error> {
    refuse_options(&args)?;
    let workspace = context.workspace()?.clone();
    let args::Watch { saving, follow, .. } = args;
    let destination = saving.out.map(|dir| Destination::new(dir, saving.name, false).results);
    context.notifies = follow.notify;
    // Find all of them before following any.
    let mut wanted = Vec::new();
    for id in ids {
        let found = context.task(id).await?;
        if wanted.iter().all(|(task, _)| *task != found.task) {
            let settings = found.settings();
            wanted.push((found.task, settings));
        }
    }
    let tasks: Vec<TaskId> = wanted.iter().map(|(task, _)| task.clone()).collect();
    let lines = workspace.lines();
    let mut signals = context.signals()?;
    context.reporter.watch_many(&tasks);
    let saves = destination.is_some();
    let mut watched = Watched { workspace, saves, handles: Vec::new(), ends: BTreeMap::new(), lines };
    for (task, settings) in wanted {
        let service = context.service(settings)?;
        let followed = watched.workspace.follow(&service, Follow::task(task.clone()), destination.clone());
        match context.watch_files(&mut signals, followed).await {
            Ok(Ok(handle)) => watched.handles.push(handle),
            Ok(Err(error)) => {
                let error = Error::from(error);
                watched.ends.insert(task.clone(), error.exit);
                context.warn_of(&task, "lost", error.message);
            }
            Err(signal) => return Ok(watched.left(context, signal)),
        }
    }
    watched.run(context, &mut signals, follow.timeout).await
}

/// Rejects options for a single run.
fn refuse_options(args: &args::Watch) -> Result<(), Error> {
    let given = first_given([
        ("--workflow", args.workflow.is_some()),
        ("--record", args.follow.recording.record.is_some()),
        ("--cancel-on-interrupt", args.follow.cancel_on_interrupt),
        ("--previews", args.follow.previews.previews.is_some()),
        ("--keep-intermediate", args.saving.keep_intermediate),
    ]);
    given.map_or(Ok(()), |option| {
        Err(Error::usage(say!("`{option}` is for one task", option)).hint(say!("watch each task separately")))
    })
}

/// Whether there are results, and all of them are on disk.
fn is_saved(outputs: &[Output]) -> bool {
    !outputs.is_empty() && outputs.iter().all(|output| output.path.is_some())
}

struct Watched {
    workspace: Workspace,
    /// Whether results are saved.
    saves: bool,
    handles: Vec<Handle>,
    /// The tasks that are no longer followed.
    ends: BTreeMap<TaskId, Exit>,
    lines: Receiver<Arc<Line>>,
}

impl Watched {
    async fn run(
        mut self,
        context: &mut Context,
        signals: &mut Signals,
        timeout: Option<Duration>,
    ) -> Result<Exit, Error> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.finish(context);
            if self.handles.is_empty() {
                return Ok(self.exit(context));
            }
            tokio::select! {
                biased;
                signal = signals.next() => match signal {
                    Signal::Suspend => context.suspend(),
                    Signal::Resize => context.reporter.tick(context.clock.now()),
                    signal => return Ok(self.left(context, signal)),
                },
                line = self.lines.recv() => match line {
                    Ok(line) => self.show(context, &line),
                    // The snapshots contain everything that was missed.
                    Err(RecvError::Lagged(_) | RecvError::Closed) => {}
                },
                () = until(deadline) => {
                    context.outcome.status = Verdict::Timeout;
                    warn_of_timeout(context, timeout);
                    self.advise(context);
                    return Ok(Exit::StillRunning);
                }
                _ = tick.tick() => context.reporter.tick(context.clock.now()),
            }
            if writer::is_closed() {
                context.is_reported = true;
                return Ok(Exit::StillRunning);
            }
        }
    }

    fn show(&mut self, context: &mut Context, line: &Line) {
        let Some(task) = &line.task_id else { return };
        if let Event::Result(outcome) = &line.event {
            let exit = match outcome.status {
                Verdict::Success if self.saves && !is_saved(&outcome.outputs) => Exit::Results,
                Verdict::Success => Exit::Done,
                _ => Exit::TaskFailed,
            };
            let mut outcome = outcome.clone();
            outcome.exit_code = exit.code();
            context.cure(outcome.failure.as_mut());
            self.ends.insert(task.clone(), exit);
            if exit == Exit::Results && outcome.outputs.is_empty() {
                context.warn_of(task, "no_results", say!("the task has no results"));
            }
            context.show_of(Some(task.clone()), Event::Result(outcome).into());
        } else {
            context.show_of(Some(task.clone()), line.event.clone().into());
        }
    }

    /// Records the runs that have ended. The last lines of each arrive before its end.
    fn finish(&mut self, context: &mut Context) {
        let (over, running): (Vec<_>, Vec<_>) =
            self.handles.drain(..).partition(|handle| handle.snapshot().finished.is_some());
        self.handles = running;
        if over.is_empty() {
            return;
        }
        while let Ok(line) = self.lines.try_recv() {
            self.show(context, &line);
        }
        for handle in over {
            let task = handle.id();
            if self.ends.contains_key(&task) {
                continue;
            }
            match handle.snapshot().finished {
                // Its last lines were missed.
                Some(Finished::Ended { outcome, .. }) => {
                    let line =
                        Line { t: context.clock.now(), task_id: Some(task), event: Event::Result(outcome) };
                    self.show(context, &line);
                }
                Some(Finished::Lost(error)) => {
                    self.ends.insert(task, error.kind().into());
                }
                _ => {
                    self.ends.insert(task, Exit::StillRunning);
                }
            }
        }
    }

    /// The combined exit code.
    fn exit(&self, context: &mut Context) -> Exit {
        let mut exits = self.ends.values();
        let first = exits.next().copied().unwrap_or(Exit::Done);
        let exit = if exits.all(|exit| *exit == first) { first } else { Exit::PartialFailure };
        context.outcome.status = if exit == Exit::Done { Verdict::Success } else { Verdict::Failed };
        exit
    }

    fn left(&self, context: &mut Context, signal: Signal) -> Exit {
        context.outcome.status = Verdict::Detached;
        self.advise(context);
        Exit::from(signal)
    }

    fn advise(&self, context: &mut Context) {
        let tasks: Vec<String> = self.handles.iter().map(|handle| handle.id().to_string()).collect();
        if let Some(first) = self.handles.first() {
            let words: Vec<&str> = ["watch"].into_iter().chain(tasks.iter().map(|task| &**task)).collect();
            let command = context.command(&words, &first.snapshot().place);
            context.advice.push(say!("the tasks keep running; follow them with\n  {command}", command));
        }
    }
}
