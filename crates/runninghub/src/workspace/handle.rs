//! A run of this process, as seen by its subscribers.

use std::{fmt, sync::Arc};

use runninghub_core::{
    Connection, Event, Line, Outcome, Place, Plan, Progress, TaskId, TaskStatus, WorkflowId,
};
use runninghub_ledger::AttemptId;
use tokio::{
    sync::{broadcast, watch},
    task::AbortHandle,
};

use crate::{Error, SavedTask, Service};

/// A run in the background. Cheap to clone; dropping it stops nothing.
#[derive(Clone)]
pub struct Handle {
    pub(super) service: Arc<dyn Service>,
    pub(super) snapshot: watch::Receiver<Snapshot>,
    pub(super) lines: broadcast::Sender<Arc<Line>>,
    pub(super) abort: AbortHandle,
}

/// The state of a run: complete without any event.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Snapshot {
    /// The task.
    pub task: TaskId,
    /// Where it runs.
    pub place: Place,
    /// The submit in the ledger, if there is one.
    pub attempt: Option<AttemptId>,
    /// The slot of the key in which it runs, from 0, if it was submitted here and the ledger keeps slots.
    pub slot: Option<u32>,
    /// The workflow, if it is a saved one.
    pub workflow: Option<WorkflowId>,
    /// The task's status as the service reports it, once it was polled.
    pub status: Option<TaskStatus>,
    /// The nodes, if the workflow is known.
    pub plan: Option<Arc<Plan>>,
    /// The state of the socket.
    pub connection: Option<Connection>,
    /// The progress of the run.
    pub progress: Progress,
    /// How it ended, with its results saved if that was requested. `None` while it runs.
    pub finished: Option<Finished>,
}

/// How a run in the background ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Finished {
    /// The task is over.
    Ended {
        /// How it ended, in the published format, with the files.
        outcome: Box<Outcome>,
        /// The result of saving, if that was requested.
        saved: Option<Arc<Result<SavedTask, Error>>>,
    },
    /// The task can no longer be watched. It may still be running.
    Lost(Arc<Error>),
    /// The run was detached. The task continues.
    Detached,
}

impl Handle {
    /// The task.
    pub fn id(&self) -> TaskId {
        self.snapshot.borrow().task.clone()
    }

    /// The current state.
    pub fn snapshot(&self) -> Snapshot {
        self.snapshot.borrow().clone()
    }

    /// The snapshot, and a receiver for the lines after it. A subscriber that falls behind by more than the backlog
    /// gets the number of missed lines, and takes a new [snapshot](Self::snapshot).
    pub fn subscribe(&self) -> (Snapshot, broadcast::Receiver<Arc<Line>>) {
        // In this order: a line that arrives in between is in both, and applying it twice changes nothing.
        let lines = self.lines.subscribe();
        (self.snapshot(), lines)
    }

    /// The latest snapshot, for subscribers that need only the state.
    pub fn watch(&self) -> watch::Receiver<Snapshot> {
        self.snapshot.clone()
    }

    /// Requests that the task be stopped. The run continues and reports how it ended.
    ///
    /// # Errors
    /// When the task is unknown or over, or there is no response.
    pub async fn cancel(&self) -> Result<(), Error> {
        let task = self.id();
        self.service.cancel(&task).await
    }

    /// Waits until the task is over and its results are saved.
    pub async fn wait(&self) -> Finished {
        let mut snapshot = self.snapshot.clone();
        let finished = match snapshot.wait_for(|snapshot| snapshot.finished.is_some()).await {
            Ok(snapshot) => snapshot.finished.clone(),
            Err(_) => None,
        };
        // An aborted run sets no end.
        finished.unwrap_or(Finished::Detached)
    }

    /// Stops watching. The task continues.
    pub fn detach(&self) {
        self.abort.abort();
    }
}

impl Snapshot {
    /// Applies an event.
    pub(super) fn see(&mut self, event: &Event) {
        match event {
            Event::Status { status, .. } => self.status = Some(status.clone()),
            Event::Plan(plan) => self.plan = Some(Arc::clone(plan)),
            Event::Connection(connection) => self.connection = Some(*connection),
            Event::Progress(progress) => self.progress = progress.clone(),
            _ => {}
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("task", &self.id()).finish_non_exhaustive()
    }
}
