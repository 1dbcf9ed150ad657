//! One interface over all services that run tasks.

use std::{fmt, path::Path};

use async_trait::async_trait;
use runninghub_core::{Observation, Place, Sentence, TaskId};
use runninghub_ledger::Entry;

use crate::{Error, Follow, Intermediates, Run, Save, Submit};

/// Submits and follows tasks: [`RunningHub`](crate::RunningHub), or a [`Comfy`](crate::Comfy).
///
/// Features that only one of them has (apps, the account, a server's queue) are methods of the type.
#[async_trait]
pub trait Service: fmt::Debug + Send + Sync {
    /// The service's location.
    fn place(&self) -> &Place;

    /// Checks, uploads, and creates the task, exactly once.
    ///
    /// With a ledger the intent is on disk before anything is sent, and the task's id before this returns.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage), [`Refused`](crate::ErrorKind::Refused),
    /// [`Network`](crate::ErrorKind::Network) and [`Io`](crate::ErrorKind::Io): nothing was created.
    /// [`SubmitUnknown`](crate::ErrorKind::SubmitUnknown): the response was lost; the create is not sent again.
    async fn submit(&self, submit: Submit) -> Result<Run, Error>;

    /// Follows a task that was submitted before, here or elsewhere, running or over. If the service does not know it,
    /// the run reports that.
    ///
    /// # Errors
    /// When the given workflow cannot be fetched, or the response is not from the service.
    async fn follow(&self, follow: Follow) -> Result<Run, Error>;

    /// The status of a task.
    ///
    /// # Errors
    /// When the task is unknown, or there is no response.
    async fn status(&self, task: &TaskId) -> Result<Observation, Error> {
        self.outputs(task).await
    }

    /// The status of a task, with its results once it is over.
    ///
    /// # Errors
    /// When the task is unknown, or there is no response.
    async fn outputs(&self, task: &TaskId) -> Result<Observation, Error>;

    /// Requests that a task be stopped. From here on this machine reports an end without a specific reason as
    /// cancelled.
    ///
    /// # Errors
    /// When the task is unknown or over, or there is no response.
    async fn cancel(&self, task: &TaskId) -> Result<(), Error>;

    /// Prepares to save a task's results to a folder.
    fn save(&self, task: &TaskId, dir: &Path) -> Save;

    /// Downloads the files that nodes show while the task runs, if the service doesn't list all files as results.
    fn intermediates(&self, _task: &TaskId, _dir: &Path) -> Option<Intermediates> {
        None
    }

    /// Binds a task found by the user to a submit of the ledger: one of unknown outcome, or one that was recorded as
    /// refused or without a task.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) for a task that the service does not know;
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) without a ledger, for an unknown submit, or for one that has
    /// another task.
    async fn resolve(&self, attempt: &str, task: &TaskId) -> Result<Entry, Error>;

    /// Polls the task of a submit, and updates the ledger if it is over or no longer known to the service.
    ///
    /// # Errors
    /// When there is no response; [`ErrorKind::Usage`](crate::ErrorKind::Usage) without a ledger, or for a submit
    /// without a task.
    async fn refresh(&self, entry: &Entry) -> Result<Entry, Error>;

    /// Looks for the task of a submit whose outcome is unknown, if the service supports that. `None` if it doesn't,
    /// or if it has no such task.
    ///
    /// # Errors
    /// When there is no response; [`ErrorKind::Usage`](crate::ErrorKind::Usage) without a ledger, or for an unknown
    /// submit.
    async fn find_submit(&self, _attempt: &str) -> Result<Option<TaskId>, Error> {
        Ok(None)
    }

    /// Number of requests made so far, not counting file transfers.
    fn api_calls(&self) -> u64;

    /// Why the recording is incomplete, if it is. The run continues without it.
    fn recording_failure(&self) -> Option<Sentence>;
}
