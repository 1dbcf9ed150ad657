//! Ends a process that has a bug: on a panic in any thread, it reports the bug to users and programs.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    panic::{self, PanicHookInfo},
    process,
    sync::{Mutex, TryLockError},
    time::Instant,
};

use runninghub::{Event as RunEvent, Failure, FailureKind, Line, Outcome, TaskId, Verdict, say};

use crate::{
    event::Event,
    exit::Exit,
    printer, secrets,
    writer::{self, Stream},
};

/// The progress of the command.
static COMMAND: Mutex<Command> = Mutex::new(Command { json_since: None, stage: Stage::Harmless });

struct Command {
    /// When the command began, if it writes JSON and `result` is still missing.
    json_since: Option<Instant>,
    stage: Stage,
}

/// What the command may have paid for.
#[derive(Clone, Debug)]
enum Stage {
    Harmless,
    /// The paid request is being sent, or was.
    Sending,
    /// There is a task.
    Task(TaskId),
    /// There may be tasks of a batch.
    Batch,
}

/// The command writes JSON lines.
pub(crate) fn expects_json() {
    change(|command| command.json_since = Some(Instant::now()));
}

/// `result` was written.
pub(crate) fn is_reported() {
    change(|command| command.json_since = None);
}

/// The paid request is about to be sent, or was refused (`false`).
pub(crate) fn sends(is_sending: bool) {
    change(|command| command.stage = if is_sending { Stage::Sending } else { Stage::Harmless });
}

/// The command is about a task, which may be running.
pub(crate) fn has(task: &TaskId) {
    change(|command| command.stage = Stage::Task(task.clone()));
}

/// The command runs the rows of a batch.
pub(crate) fn runs_batch() {
    change(|command| command.stage = Stage::Batch);
}

fn change(change: impl FnOnce(&mut Command)) {
    if let Ok(mut command) = COMMAND.lock() {
        change(&mut command);
    }
}

/// Ends the process on any panic. Otherwise a panic in another thread would leave a run without its ledger, and the
/// release build would abort without a `result`.
pub(crate) fn end_on_panic() {
    panic::set_hook(Box::new(end));
}

fn end(info: &PanicHookInfo<'_>) {
    printer::leave_block();
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let message = info.payload_as_str().unwrap_or("no message");
    let words = say!("rhub has a bug: panicked at {place}: {message}", place, message).map(&secrets::clean);
    printer::bug(&words);
    let trace = Backtrace::capture();
    if trace.status() == BacktraceStatus::Captured {
        // Line by line: cleaning escapes line feeds.
        for line in trace.to_string().lines() {
            printer::bug_line(&secrets::clean(line));
        }
    }
    // The panic may have interrupted a change.
    let (since, stage) = match COMMAND.try_lock() {
        Ok(command) => (command.json_since, command.stage.clone()),
        Err(TryLockError::Poisoned(broken)) => {
            let command = broken.into_inner();
            (command.json_since, command.stage.clone())
        }
        Err(TryLockError::WouldBlock) => (None, Stage::Harmless),
    };
    let (exit, status, task_id) = match stage {
        Stage::Harmless => (Exit::Store, Verdict::Error, None),
        Stage::Sending => (Exit::SubmitUnknown, Verdict::Unknown, None),
        // Each row is in the ledger, including unknown outcomes.
        Stage::Batch => (Exit::StillRunning, Verdict::Running, None),
        Stage::Task(task) => (Exit::StillRunning, Verdict::Running, Some(task)),
    };
    if let Some(since) = since {
        let failure = Failure { message: Some(words.to_string().into()), ..Failure::default() };
        let outcome = Outcome {
            status,
            exit_code: exit.code(),
            task_id: task_id.clone(),
            failure: Some(failure.classed(FailureKind::Internal, true)),
            elapsed: since.elapsed(),
            ..Outcome::default()
        };
        let event = Event::Run(RunEvent::Result(Box::new(outcome)));
        writer::write(Stream::Out, format!("{}\n", Line { t: since.elapsed(), task_id, event }));
    }
    writer::settle();
    #[expect(clippy::exit, reason = "other threads go on, and nothing waits for them")]
    process::exit(exit.code().into());
}
