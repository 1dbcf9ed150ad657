//! What runs the graph: RunningHub, or any ComfyUI. The driver knows nothing of either.

use std::time::Duration;

use async_trait::async_trait;
use runninghub_core::{Graph, Observation, SocketUrl, TaskId};

use crate::Error;

/// A service that runs tasks.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Asks once how a task stands. The driver has its own rhythm, so this must not try again by itself.
    ///
    /// # Errors
    /// When there was no usable answer. A task that failed is an answer.
    async fn observe(&self, task: &TaskId) -> Result<Observation, BackendError>;

    /// Asks for a task's results, those that it made before it failed included.
    ///
    /// # Errors
    /// When there was no usable answer.
    async fn results(&self, task: &TaskId) -> Result<Observation, Error> {
        self.observe(task).await.map_err(|error| error.error)
    }

    /// Asks for a task to be stopped. Not confirmed: how the task ended is told by [`Backend::observe`].
    ///
    /// # Errors
    /// When the request was refused or could not be made.
    async fn cancel(&self, task: &TaskId) -> Result<(), Error>;

    /// The workflow that an address leads to, where the address names one and it can be had.
    async fn graph_of(&self, _address: &SocketUrl) -> Option<Graph> {
        None
    }

    /// The machine was suspended for this long: connections that were kept are dead.
    fn woke(&self, _slept: Duration) {}

    /// How long questions are held back, because the server has asked for that.
    fn held(&self) -> Option<Duration> {
        None
    }

    /// How many API calls have been made so far.
    fn calls(&self) -> u64;
}

/// No usable answer.
#[derive(Debug)]
#[non_exhaustive]
pub struct BackendError {
    /// What went wrong.
    pub error: Error,
    /// Asking again cannot help: the key is refused, the task unknown.
    pub is_final: bool,
    /// Not before this much time.
    pub after: Option<Duration>,
}

impl BackendError {
    /// An answer that did not come, with whether asking again can help, and when.
    pub fn new(error: Error, is_final: bool, after: Option<Duration>) -> Self {
        Self { error, is_final, after }
    }
}
