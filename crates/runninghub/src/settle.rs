//! Finding out what became of a submit whose answer was lost.

use runninghub_api::Class;
use runninghub_core::{End, Observation, Phase, TaskId, TaskStatus};
use runninghub_ledger::{Entry, Filter, Secret};

use crate::{Error, ErrorKind, RunningHub, platform::observed};

impl RunningHub {
    /// Takes a task's id from a webhook's delivery: `secret` is what stood for `{secret}` in its address
    /// ([`Submit::webhook`](crate::Submit::webhook)). The delivery is a hint and no more, so the platform is asked about
    /// the task before anything is written down.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] for a secret that belongs to no submit of the ledger, and for a task that the platform
    /// does not know; [`ErrorKind::Usage`] without a ledger, and for a submit that has another task.
    pub async fn settle(&self, secret: &str, task: &TaskId) -> Result<Entry, Error> {
        let refused =
            |error| Error::new(ErrorKind::Refused, "the secret belongs to no submit").with_source(error);
        let secret: Secret = secret.parse().map_err(refused)?;
        let found = self.book()?.ledger().entry(Filter::all().secret(secret.digest())).await;
        self.bind(found.map_err(refused)?, task).await
    }

    pub(crate) async fn bind(&self, entry: Entry, task: &TaskId) -> Result<Entry, Error> {
        let book = self.book()?;
        let answer = match observed(&self.0.client, task).await {
            Ok(answer) => answer,
            Err(error) if error.class() == Class::NotFound => {
                return Err(Error::api("the platform does not know this task", error));
            }
            Err(error) => return Err(Error::api("the platform cannot be asked about the task", error)),
        };
        let page = book.page(&entry.attempt);
        page.accepted(task).await?;
        if let Some(end) = end(&self.0.cancels.judge(task, answer).await) {
            page.end(task, &end).await?;
        }
        let found = book.ledger().entry(Filter::all().attempt(entry.attempt.as_str())).await;
        found.map_err(|error| Error::ledger("the ledger cannot be read", error))
    }
}

/// How a task ended, where the answer says that it did.
pub(crate) fn end(answer: &Observation) -> Option<End> {
    let mut end = End::default();
    end.phase = match answer.status {
        TaskStatus::Success => Phase::Success,
        TaskStatus::Failed => Phase::Failed,
        TaskStatus::Cancelled => Phase::Interrupted,
        _ => return None,
    };
    end.failure.clone_from(&answer.failure);
    end.cost.clone_from(&answer.cost);
    Some(end)
}
