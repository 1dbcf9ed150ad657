//! A run of this process, as its subscribers see it.

use std::{fmt, sync::Arc};

use runninghub_core::{
    Connection, End, Event, Line, Outcome, Place, Plan, Progress, TaskId, TaskStatus, WorkflowId,
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

/// All that is known of a run: complete without any event.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Snapshot {
    /// The task.
    pub task: TaskId,
    /// Where it runs.
    pub place: Place,
    /// The submit in the ledger, where there is one.
    pub attempt: Option<AttemptId>,
    /// The workflow, where it is a saved one.
    pub workflow: Option<WorkflowId>,
    /// What the service says about the task, once it was asked.
    pub status: Option<TaskStatus>,
    /// The nodes, where the workflow is known.
    pub plan: Option<Arc<Plan>>,
    /// The socket.
    pub connection: Option<Connection>,
    /// How far the run is.
    pub progress: Progress,
    /// How it ended, with its results saved where that was wanted. `None` while it runs.
    pub finished: Option<Finished>,
}

/// How a run in the background ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Finished {
    /// The task is over.
    Ended {
        /// How it ended, as the service says.
        end: End,
        /// The same as it is published, with the files.
        outcome: Box<Outcome>,
        /// What became of each result, where they were to be saved.
        saved: Option<Arc<Result<SavedTask, Error>>>,
    },
    /// The task can no longer be watched. It may go on.
    Lost(Arc<Error>),
    /// The run was detached. The task goes on.
    Detached,
}

impl Handle {
    /// The task.
    pub fn id(&self) -> TaskId {
        self.snapshot.borrow().task.clone()
    }

    /// All that is known now.
    pub fn snapshot(&self) -> Snapshot {
        self.snapshot.borrow().clone()
    }

    /// The snapshot, and what comes after it. A subscriber that falls behind by more than the backlog is told how many
    /// lines it has missed, and takes a new [snapshot](Self::snapshot).
    pub fn subscribe(&self) -> (Snapshot, broadcast::Receiver<Arc<Line>>) {
        // In this order: a line that comes in between is in both, and changes nothing twice.
        let lines = self.lines.subscribe();
        (self.snapshot(), lines)
    }

    /// The latest snapshot, for who wants the state and no history.
    pub fn watch(&self) -> watch::Receiver<Snapshot> {
        self.snapshot.clone()
    }

    /// Asks for the task to be stopped. The run goes on and shows how it ended.
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
        // A run that was aborted leaves no end behind.
        finished.unwrap_or(Finished::Detached)
    }

    /// Stops watching. The task goes on.
    pub fn detach(&self) {
        self.abort.abort();
    }
}

impl Snapshot {
    /// Takes an event up.
    pub(super) fn see(&mut self, event: &Event) {
        match event {
            Event::Status { status, .. } => self.status = Some(status.clone()),
            Event::Plan(plan) => self.plan = Some(Arc::clone(plan)),
            Event::Connection(connection) => self.connection = Some(connection.clone()),
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
