//! Parses responses that were recorded in an earlier run.

use runninghub_core::Observation;
use runninghub_net::retry_after;

use crate::{
    CreatedTask, Error,
    endpoint::{created, outputs, query},
    http::{Answer, Call},
};

/// The task's observation in a recorded response. `None` for other paths, and for responses without one.
pub fn read_observation(path: &str, status: u16, text: &str) -> Option<Observation> {
    let read = match path {
        "/task/openapi/outputs" => outputs::read,
        "/openapi/v2/query" => query::read,
        _ => return None,
    };
    // No key to mask: it was removed when the response was recorded.
    read(&Answer::new(&Call::repeatable("replay", ""), None, status, text.to_owned())).ok()
}

/// The result of a recorded create: the task, or an error whose [`Error::create_outcome`] says whether there may be
/// one. `wait` is the header `Retry-After`.
///
/// # Errors
/// Those of [`CreateTask`](crate::CreateTask), except those of the connection.
pub fn read_created(status: u16, wait: Option<&str>, text: &str) -> Result<CreatedTask, Error> {
    let call = Call::create("create", "");
    let wait = wait.and_then(|wait| retry_after(wait, None));
    created::read(&Answer::new(&call, None, status, text.to_owned()).after(wait))
}

#[cfg(test)]
mod tests {
    use runninghub_core::TaskStatus;

    use super::*;

    #[test]
    fn responses_about_a_task_are_read_and_others_ignored() {
        let text = r#"{"code":813,"msg":"APIKEY_TASK_IS_QUEUED","data":null}"#;
        let queued = read_observation("/task/openapi/outputs", 200, text).expect("an answer");
        assert_eq!(queued.status, TaskStatus::Queued);
        assert!(read_observation("/task/openapi/create", 200, text).is_none());
        assert!(read_observation("/task/openapi/outputs", 502, "<html>").is_none());
    }
}
