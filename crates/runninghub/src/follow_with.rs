//! Follows a task of any service.

use std::{fmt, sync::Arc, time::Duration};

use runninghub_core::{Pace, Plan, PromptId, SocketUrl, TaskId};
use runninghub_transport::{Connect, Live, LiveOptions};

use crate::{Backend, Run, launch::Launch};

/// A task of any service that is to be followed. Call [`FollowWith::start`] to begin.
#[must_use = "nothing happens until `start` is called"]
pub struct FollowWith {
    launch: Launch,
}

/// Prepares to follow a task of a service that implements [`Backend`].
///
/// ```
/// # use std::{sync::Arc, time::Duration};
/// use runninghub::{Backend, BackendError, Error, ErrorKind, Observation, Phase, TaskId, TaskStatus, say};
///
/// /// A service whose tasks are over at once.
/// struct Instant;
///
/// #[async_trait::async_trait]
/// impl Backend for Instant {
///     async fn observe(&self, _: &TaskId) -> Result<Observation, BackendError> {
///         Ok(Observation::of(TaskStatus::Success))
///     }
///
///     async fn cancel(&self, _: &TaskId) -> Result<(), Error> {
///         Err(Error::new(ErrorKind::Refused, say!("the task is already over")))
///     }
///
///     fn calls(&self) -> u64 {
///         0
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
/// let mut run = runninghub::follow_with(Arc::new(Instant), "7").start();
/// assert_eq!(run.finish().await?.phase, Phase::Success);
/// # Ok(()) }
/// ```
pub fn follow_with(backend: Arc<dyn Backend>, task: impl Into<TaskId>) -> FollowWith {
    let connect = Arc::new(Live::new(LiveOptions::default()));
    FollowWith { launch: Launch::new(backend, connect, task.into()) }
}

impl FollowWith {
    /// Opens sockets with this instead of [`Live`].
    pub fn connect(mut self, connect: Arc<dyn Connect>) -> Self {
        self.launch.connect = connect;
        self
    }

    /// The URL of the task's socket, if it is known before the first poll. Otherwise an
    /// [observation](runninghub_core::Observation::socket) may contain it.
    pub fn socket(mut self, url: SocketUrl) -> Self {
        self.launch.socket = Some(url);
        self
    }

    /// The nodes that have to run, for a percentage from the start.
    pub fn plan(mut self, plan: Plan) -> Self {
        self.launch.plan = Some(Arc::new(plan));
        self
    }

    /// Handles messages of this prompt only, on a socket that carries others as well.
    pub fn prompt(mut self, id: impl Into<PromptId>) -> Self {
        self.launch.prompt = Some(id.into());
        self
    }

    /// Sets how long ago the task was submitted. It is not given up if the service doesn't respond at first
    /// or doesn't know it yet.
    pub fn submitted(mut self, ago: Duration) -> Self {
        self.launch.accepted = Some(ago);
        self.launch.first_contact = None;
        self
    }

    /// Emits preview images as events.
    pub fn previews(mut self, wanted: bool) -> Self {
        self.launch.previews = wanted;
        self
    }

    /// Overrides the default waits, which are meant for RunningHub.
    pub fn pace(mut self, pace: Pace) -> Self {
        self.launch.pace = pace;
        self
    }

    /// Begins to follow.
    pub fn start(self) -> Run {
        self.launch.run()
    }
}

impl fmt::Debug for FollowWith {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FollowWith").field("task", &self.launch.task).finish_non_exhaustive()
    }
}
