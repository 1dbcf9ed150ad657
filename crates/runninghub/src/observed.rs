//! Queries the platform about a task of unknown origin.

use runninghub_api::{Class, Client, Error};
use runninghub_core::{Failure, Observation, TaskId, TaskStatus};

/// Whether the platform reports the task as unknown.
pub(crate) fn is_unknown(error: &Error) -> bool {
    error.code().is_some() && error.class() == Class::NotFound
}

/// Whether a failed task's response contains the reason.
pub(crate) fn has_reason(seen: &Observation) -> bool {
    seen.failure.as_ref().is_some_and(Failure::has_reason)
}

/// A task's status and results, from the endpoint that knows it.
pub(crate) async fn observed(client: &Client, task: &TaskId) -> Result<Observation, Error> {
    let seen = match client.outputs(task).await {
        Err(error) if is_unknown(&error) => return client.query(task).await.map_err(|_| error),
        answer => answer?,
    };
    Ok(if seen.status == TaskStatus::Failed { completed(client, task, seen).await } else { seen })
}

/// The facts that only the v2 response has about a task that `outputs` reports as failed: whether it was cancelled, the
/// reason behind code 805, the cost, and the files that it made.
pub(crate) async fn completed(client: &Client, task: &TaskId, seen: Observation) -> Observation {
    let known = match client.query(task).once().await {
        Ok(known) => known,
        Err(error) => {
            tracing::debug!(%error, "no more is known about the failed task");
            return seen;
        }
    };
    let (status, failure) = match known.status {
        _ if has_reason(&seen) => (seen.status, seen.failure),
        TaskStatus::Cancelled => (TaskStatus::Cancelled, None),
        _ => (seen.status, known.failure.or(seen.failure)),
    };
    Observation { status, failure, outputs: known.outputs, cost: seen.cost.or(known.cost), ..seen }
}
