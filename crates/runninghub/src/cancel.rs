//! A task that was cancelled from this machine ends as cancelled.
//!
//! RunningHub calls such a task failed without a reason, and a ComfyUI forgets a prompt that was still waiting. Only who sent
//! the request knows better, so it is noted before it is sent: in the ledger, for other processes, and here.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use runninghub_core::{Failure, Observation, TaskId, TaskStatus};
use runninghub_ledger::State;

use crate::{Backend, Error, ErrorKind, book::Book, settle::end};

/// The requests to cancel of this machine.
#[derive(Debug, Default)]
pub(crate) struct Cancels {
    book: Option<Book>,
    /// Those of this process, also of tasks that the ledger does not know.
    here: Mutex<HashSet<TaskId>>,
}

impl Cancels {
    pub(crate) fn new(book: Option<Book>) -> Self {
        Self { book, here: Mutex::default() }
    }

    fn here(&self) -> MutexGuard<'_, HashSet<TaskId>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this machine has asked for the task to be cancelled.
    pub(crate) async fn has(&self, task: &TaskId) -> bool {
        if self.here().contains(task) {
            return true;
        }
        let Some(book) = &self.book else { return false };
        let known = book.find(task).await.ok().flatten();
        known.is_some_and(|(entry, _)| entry.cancelling || entry.state == State::Cancelled)
    }

    /// Notes that a request is about to be sent; whether it is the first for this task. A ledger that fails does not keep a
    /// task running that costs money.
    pub(crate) async fn note(&self, task: &TaskId) -> bool {
        let is_first = !self.has(task).await;
        self.here().insert(task.clone());
        if is_first {
            self.write(task, true).await;
        }
        is_first
    }

    /// The only request for this task was refused: the task has an end of its own.
    pub(crate) async fn take_back(&self, task: &TaskId) {
        self.here().remove(task);
        self.write(task, false).await;
    }

    async fn write(&self, task: &TaskId, is_cancelling: bool) {
        let Some(book) = &self.book else { return };
        let written = match book.find(task).await {
            Ok(Some((_, page))) => page.cancelling(is_cancelling).await,
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            tracing::warn!(error = %crate::chain(&error), "the request to cancel is not in the ledger");
        }
    }

    /// What an answer means, knowing the requests to cancel: a failure without a reason of its own is their doing.
    pub(crate) async fn judge(&self, task: &TaskId, seen: Observation) -> Observation {
        let is_unexplained = seen.status == TaskStatus::Failed && !seen.failure.as_ref().is_some_and(is_own);
        if is_unexplained && self.has(task).await {
            return Observation { failure: None, status: TaskStatus::Cancelled, ..seen };
        }
        seen
    }

    /// What an error means: a task that was cancelled and is not known any more is over.
    pub(crate) async fn excuse(&self, task: &TaskId, is_unknown: bool) -> Option<Observation> {
        (is_unknown && self.has(task).await).then(|| Observation::of(TaskStatus::Cancelled))
    }

    /// Cancels a task that is not followed, and writes its end down where that is known at once.
    pub(crate) async fn send(&self, backend: &dyn Backend, task: &TaskId) -> Result<(), Error> {
        backend.cancel(task).await?;
        let Ok(seen) = backend.observe(task).await else { return Ok(()) };
        if let (Some(end), Some(book)) = (end(&seen), &self.book)
            && let Ok(Some((_, page))) = book.find(task).await
            && let Err(error) = page.end(task, &end).await
        {
            tracing::warn!(error = %crate::chain(&error), "the end of the task is not in the ledger");
        }
        // Some servers accept the request for a task that is over.
        if seen.status.is_over() && seen.status != TaskStatus::Cancelled { Err(over(&seen)) } else { Ok(()) }
    }
}

/// There is nothing to cancel.
pub(crate) fn over(seen: &Observation) -> Error {
    Error::new(ErrorKind::Refused, format!("the task is already over: {}", seen.status.as_str()))
}

/// Whether a task failed for a reason of its own, and not because it was stopped.
fn is_own(failure: &Failure) -> bool {
    failure.exception_type.as_ref().is_some_and(|kind| {
        let kind = kind.raw().to_lowercase();
        !kind.contains("interrupt") && !kind.contains("cancel")
    })
}
