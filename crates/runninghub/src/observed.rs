//! Asking the platform about a task whose origin is not known.

use runninghub_api::{Class, Client, Error};
use runninghub_core::{Observation, TaskId};

/// Whether the platform says that it knows no such task.
pub(crate) fn is_unknown(error: &Error) -> bool {
    error.code().is_some() && error.class() == Class::NotFound
}

/// Where a task stands, by the endpoint that knows it.
pub(crate) async fn observed(client: &Client, task: &TaskId) -> Result<Observation, Error> {
    match client.outputs(task).await {
        Err(error) if is_unknown(&error) => client.query(task).await.map_err(|_| error),
        answer => answer,
    }
}
