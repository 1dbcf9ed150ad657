//! Queries the platform about a task of unknown origin.

use runninghub_api::{Class, Client, Error};
use runninghub_core::{Observation, TaskId};

/// Whether the platform reports the task as unknown.
pub(crate) fn is_unknown(error: &Error) -> bool {
    error.code().is_some() && error.class() == Class::NotFound
}

/// A task's status, from the endpoint that knows it.
pub(crate) async fn observed(client: &Client, task: &TaskId) -> Result<Observation, Error> {
    match client.outputs(task).await {
        Err(error) if is_unknown(&error) => client.query(task).await.map_err(|_| error),
        answer => answer,
    }
}
