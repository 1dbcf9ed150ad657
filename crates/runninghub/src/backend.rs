//! The service that runs the graph: RunningHub, or any ComfyUI. The driver depends on neither.

use std::time::Duration;

use async_trait::async_trait;
use runninghub_core::{Graph, NodeFile, NodeId, Observation, OutputFile, SocketUrl, TaskId, say};

use crate::{Error, ErrorKind};

/// A service that runs tasks.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Polls a task's status once. Must not retry: the driver has its own schedule.
    ///
    /// # Errors
    /// When there is no usable response. A failed task is not an error.
    async fn observe(&self, task: &TaskId) -> Result<Observation, BackendError>;

    /// Requests a task's results, including those it made before it failed.
    ///
    /// # Errors
    /// When there is no usable response.
    async fn results(&self, task: &TaskId) -> Result<Observation, Error> {
        self.observe(task).await.map_err(|error| error.error)
    }

    /// Requests that a task be stopped. The outcome is not confirmed here: [`Backend::observe`] reports how
    /// the task ended.
    ///
    /// # Errors
    /// When the request was refused or could not be made.
    async fn cancel(&self, task: &TaskId) -> Result<(), Error>;

    /// The workflow that a socket URL refers to, if the URL names one and it can be fetched.
    async fn graph_of(&self, _address: &SocketUrl) -> Option<Graph> {
        None
    }

    /// These files as results, if the service serves files by name. Used if the service has forgotten a task whose
    /// success the socket has reported.
    fn files(&self, _named: &[(NodeId, NodeFile)]) -> Option<Vec<OutputFile>> {
        None
    }

    /// A more specific error for a result whose link fails permanently, if there is one.
    fn gone(&self, _output: &OutputFile) -> Option<Error> {
        None
    }

    /// The machine was suspended for this long, so pooled connections are dead.
    fn on_resume(&self, _slept: Duration) {}

    /// The error of a run whose service has not answered for a long time.
    fn unreachable(&self) -> Error {
        Error::new(ErrorKind::Network, say!("the service has been unreachable for too long"))
            .with_hint(say!("the task may still be running: watch it again later"))
    }

    /// How long requests are held back because the server requested a pause.
    fn held(&self) -> Option<Duration> {
        None
    }

    /// Number of API calls made so far.
    fn calls(&self) -> u64;
}

/// A poll without a usable response.
#[derive(Debug)]
#[non_exhaustive]
pub struct BackendError {
    /// The error.
    pub error: Error,
    /// Retrying cannot help: the key is refused, or the task is unknown.
    pub is_final: bool,
    /// Do not retry before this delay.
    pub after: Option<Duration>,
    /// Nothing listens at the service's address: the process that ran the task has ended.
    pub is_gone: bool,
    /// Neither the service's queue nor its history has the task.
    pub is_unlisted: bool,
}

impl BackendError {
    /// A failed poll, with whether a retry can help, and after what delay.
    pub fn new(error: Error, is_final: bool, after: Option<Duration>) -> Self {
        Self { error, is_final, after, is_gone: false, is_unlisted: false }
    }

    /// Sets whether nothing listens at the service's address. Such a service is given up sooner.
    #[must_use]
    pub fn gone(self, is_gone: bool) -> Self {
        Self { is_gone, ..self }
    }

    /// Sets whether neither the service's queue nor its history has the task. If it was in the queue and the socket has
    /// been open ever since, it was cancelled.
    #[must_use]
    pub fn unlisted(self, is_unlisted: bool) -> Self {
        Self { is_unlisted, ..self }
    }
}
