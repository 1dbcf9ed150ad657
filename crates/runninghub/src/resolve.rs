//! Resolves a submit whose response was lost.

use runninghub_api::Class;
use runninghub_core::{End, Observation, Phase, TaskId, TaskStatus, say};
use runninghub_ledger::{AttemptId, Entry, Filter, Secret, Step};

use crate::{Error, ErrorKind, RunningHub, Service, attempts::AttemptLog, observed::observed};

impl RunningHub {
    /// Takes a task's id from a webhook delivery: `secret` is the value of `{secret}` in its URL
    /// ([`Submit::webhook`](crate::Submit::webhook)). The delivery is only a hint, so the platform is queried about
    /// the task before anything is recorded.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] for a secret that belongs to no submit of the ledger, and for a task that the platform
    /// does not know; [`ErrorKind::Usage`] without a ledger, and for a submit that has another task.
    pub async fn resolve_from_webhook(&self, secret: &str, task: &TaskId) -> Result<Entry, Error> {
        let refused = |error| {
            Error::new(ErrorKind::Refused, say!("the secret belongs to no submit")).with_source(error)
        };
        let secret: Secret = secret.parse().map_err(refused)?;
        let found = self.attempts()?.ledger().entry(Filter::all().secret(secret.digest())).await;
        self.bind(found.map_err(refused)?, task).await
    }

    pub(crate) async fn bind(&self, entry: Entry, task: &TaskId) -> Result<Entry, Error> {
        let answer = match observed(&self.0.client, task).await {
            Ok(answer) => answer,
            Err(error) if error.class() == Class::NotFound => {
                return Err(Error::api(say!("the platform does not know the task"), error));
            }
            Err(error) => return Err(Error::api(say!("cannot query the platform about the task"), error)),
        };
        let seen = self.0.cancels.judge(task, answer).await;
        bind(self.attempts()?, &entry.attempt, task, &seen).await
    }
}

/// Records the task of a submit, and how it ended if it is over.
pub(crate) async fn bind(
    attempts: &AttemptLog,
    id: &AttemptId,
    task: &TaskId,
    seen: &Observation,
) -> Result<Entry, Error> {
    let attempt = attempts.attempt(id);
    attempt.accepted(task).await?;
    if let Some(end) = end(seen) {
        attempt.end(task, &end).await?;
    }
    found(attempts, id).await
}

/// Polls the task of a submit, and records whether it is over or unknown to the service.
pub(crate) async fn refresh(
    service: &dyn Service,
    attempts: &AttemptLog,
    entry: &Entry,
) -> Result<Entry, Error> {
    let Some(task) = &entry.task else {
        return Err(Error::usage(say!("submit {submit} has no task", submit = &entry.attempt)));
    };
    match service.outputs(task).await {
        Ok(seen) => bind(attempts, &entry.attempt, task, &seen).await,
        // The service has already retried long enough; a task that may become known later is not written off.
        Err(error) if error.is_unknown_task() && error.kind() != ErrorKind::StillRunning => {
            attempts.attempt(&entry.attempt).step(Step::Gone).await?;
            found(attempts, &entry.attempt).await
        }
        Err(error) => Err(error),
    }
}

async fn found(attempts: &AttemptLog, id: &AttemptId) -> Result<Entry, Error> {
    let found = attempts.ledger().entry(Filter::all().attempt(id.as_str())).await;
    found.map_err(|error| Error::ledger(say!("the ledger cannot be read"), error))
}

/// How a task ended, if it did according to the observation.
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
