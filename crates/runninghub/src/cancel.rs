//! Reports a task that this machine cancelled as cancelled.
//!
//! RunningHub reports such a task as failed without a reason, and ComfyUI forgets a prompt that was still
//! queued. Only the sender of the cancel request knows the cause, so it is recorded before it is sent: in the
//! ledger for other processes, and here in memory.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use runninghub_core::{Observation, TaskId, TaskStatus, say};
use runninghub_ledger::State;
use tokio::time::{sleep, timeout};

use crate::{Backend, Error, ErrorKind, attempts::AttemptLog, resolve::end, sentence_of};

/// The pauses before a cancelled task is polled again: a running task needs a moment to stop.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(250), Duration::from_millis(500), Duration::from_secs(1)];

/// ComfyUI's exception for an interrupted prompt, after the names of its modules.
const INTERRUPTED: &str = "interruptprocessingexception";

/// Time limit for all of these polls together, however slow the server.
const LOOKS: Duration = Duration::from_secs(10);

/// The cancel requests of this machine.
#[derive(Debug, Default)]
pub(crate) struct Cancels {
    attempts: Option<AttemptLog>,
    time_scale: f64,
    /// Those of this process, including tasks that are not in the ledger.
    here: Mutex<HashSet<TaskId>>,
}

impl Cancels {
    pub(crate) fn new(attempts: Option<AttemptLog>, time_scale: f64) -> Self {
        Self { attempts, time_scale, here: Mutex::default() }
    }

    fn here(&self) -> MutexGuard<'_, HashSet<TaskId>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this machine has requested to cancel the task.
    pub(crate) async fn has(&self, task: &TaskId) -> bool {
        if self.here().contains(task) {
            return true;
        }
        let Some(attempts) = &self.attempts else { return false };
        let known = attempts.find(task).await.ok().flatten();
        known.is_some_and(|(entry, _)| entry.cancelling || entry.state == State::Cancelled)
    }

    /// Records that a cancel request is about to be sent; returns whether it is the first for this task. A
    /// ledger error is ignored: it must not keep a task running that costs money.
    pub(crate) async fn note(&self, task: &TaskId) -> bool {
        let is_first = !self.has(task).await;
        self.here().insert(task.clone());
        if is_first {
            self.write(task, true).await;
        }
        is_first
    }

    /// The only cancel request for this task was refused: the task ends for its own reasons.
    pub(crate) async fn take_back(&self, task: &TaskId) {
        self.here().remove(task);
        self.write(task, false).await;
    }

    async fn write(&self, task: &TaskId, is_cancelling: bool) {
        let Some(attempts) = &self.attempts else { return };
        let written = match attempts.find(task).await {
            Ok(Some((_, attempt))) => attempt.cancelling(is_cancelling).await,
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            tracing::warn!(error = %sentence_of(&error), "the request to cancel is not in the ledger");
        }
    }

    /// Interprets an observation: an interruption is a cancel, whoever sent it, and so is a failure without a specific
    /// reason after a cancel request of this machine.
    pub(crate) async fn judge(&self, task: &TaskId, seen: Observation) -> Observation {
        if seen.status != TaskStatus::Failed {
            return seen;
        }
        let kind = seen.failure.as_ref().and_then(|failure| failure.exception_type.as_ref());
        let kind = kind.map(|kind| kind.raw().to_lowercase()).unwrap_or_default();
        let is_unexplained = kind.is_empty() || kind.contains("interrupt") || kind.contains("cancel");
        if kind.ends_with(INTERRUPTED) || is_unexplained && self.has(task).await {
            return Observation { failure: None, status: TaskStatus::Cancelled, ..seen };
        }
        seen
    }

    /// Interprets an error: a cancelled task that is no longer known is over.
    pub(crate) async fn excuse(&self, task: &TaskId, is_unknown: bool) -> Option<Observation> {
        (is_unknown && self.has(task).await).then(|| Observation::of(TaskStatus::Cancelled))
    }

    /// Polls the task's status, giving it a moment to stop.
    async fn look(&self, backend: &dyn Backend, task: &TaskId) -> Option<Observation> {
        let mut seen = backend.observe(task).await.ok()?;
        for pause in PAUSES {
            if seen.status.is_over() {
                break;
            }
            sleep(pause.mul_f64(self.time_scale.max(0.0))).await;
            seen = backend.observe(task).await.ok()?;
        }
        Some(seen)
    }

    /// Cancels a task that is not followed, and records its end if that comes soon.
    pub(crate) async fn send(&self, backend: &dyn Backend, task: &TaskId) -> Result<(), Error> {
        backend.cancel(task).await?;
        // The task is cancelled, whether or not its end is observed.
        let Ok(Some(seen)) = timeout(LOOKS, self.look(backend, task)).await else { return Ok(()) };
        if let (Some(end), Some(attempts)) = (end(&seen), &self.attempts)
            && let Ok(Some((_, attempt))) = attempts.find(task).await
            && let Err(error) = attempt.end(task, &end).await
        {
            tracing::warn!(error = %sentence_of(&error), "the end of the task is not in the ledger");
        }
        // Some servers accept a cancel request for a task that is over.
        if seen.status.is_over() && seen.status != TaskStatus::Cancelled { Err(over(&seen)) } else { Ok(()) }
    }
}

/// The task is already over, so it cannot be cancelled.
pub(crate) fn over(seen: &Observation) -> Error {
    Error::new(ErrorKind::Refused, say!("the task has already ended: {status}", status = &seen.status))
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use async_trait::async_trait;
    use runninghub_core::{Failure, Kind, Place};
    use runninghub_ledger::{Digest, Filter, Ledger, MemoryLedger, Step};

    use super::*;
    use crate::{BackendError, Submit, attempts::Subject};

    /// A task that stops after a few polls.
    struct Stopping(AtomicU32);

    #[async_trait]
    impl Backend for Stopping {
        async fn observe(&self, _task: &TaskId) -> Result<Observation, BackendError> {
            let left = self.0.load(Ordering::Relaxed);
            self.0.store(left.saturating_sub(1), Ordering::Relaxed);
            Ok(Observation::of(if left == 0 { TaskStatus::Cancelled } else { TaskStatus::Running }))
        }

        async fn cancel(&self, _task: &TaskId) -> Result<(), Error> {
            Ok(())
        }

        fn calls(&self) -> u64 {
            0
        }
    }

    #[tokio::test]
    async fn an_interruption_is_a_cancel_whoever_sent_it() {
        let (mine, foreign) = (TaskId::from("1"), TaskId::from("2"));
        let cancels = Cancels::new(None, 1.0);
        assert!(cancels.note(&mine).await);
        for (kind, of_mine, of_foreign) in [
            (None, TaskStatus::Cancelled, TaskStatus::Failed),
            (Some("asyncio.CancelledError"), TaskStatus::Cancelled, TaskStatus::Failed),
            (
                Some("comfy.model_management.InterruptProcessingException"),
                TaskStatus::Cancelled,
                TaskStatus::Cancelled,
            ),
            (Some("torch.OutOfMemoryError"), TaskStatus::Failed, TaskStatus::Failed),
        ] {
            let failure = Failure { exception_type: kind.map(Into::into), ..Failure::default() };
            let failed = Observation { failure: Some(failure), ..Observation::of(TaskStatus::Failed) };
            for (task, status) in [(&mine, of_mine), (&foreign, of_foreign)] {
                assert_eq!(cancels.judge(task, failed.clone()).await.status, status, "{kind:?} of {task}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_a_cancelled_task_is_written_down_though_it_takes_a_moment() {
        for (looks, state) in [(0, State::Cancelled), (3, State::Cancelled), (4, State::Accepted)] {
            let ledger = Arc::new(MemoryLedger::new().expect("a ledger"));
            let attempts =
                AttemptLog::new(Arc::clone(&ledger) as _, Place::new(Place::COMFYUI, "http://h"), "");
            let subject = Subject::workflow(Kind::Prompt, None);
            let attempt = attempts
                .begin(attempts.intent(&subject, Digest::of("body"), None, &Submit::graph("{}")))
                .await
                .expect("written");
            let task = TaskId::from("7");
            attempt.step(Step::Accepted { task: task.clone() }).await.expect("written");
            Cancels::new(Some(attempts), 1.0)
                .send(&Stopping(AtomicU32::new(looks)), &task)
                .await
                .expect("cancelled");
            assert_eq!(ledger.entry(Filter::all()).await.expect("an entry").state, state, "{looks}");
        }
    }
}
