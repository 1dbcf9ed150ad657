//! `POST /task/openapi/cancel`: stops a task.

use runninghub_core::TaskId;
use serde_json::json;

use super::into_future;
use crate::{Client, Error, http::Call};

/// Stops a queued or running task. Made by [`Client::cancel`]. Sent once, and also while the key has to wait; stopping
/// twice does no harm.
///
/// A task that is over answers as one that is not known ([`Class::NotFound`](crate::Class::NotFound)).
#[derive(Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct Cancel {
    client: Client,
    task_id: TaskId,
}

impl Cancel {
    pub(crate) fn new(client: Client, task_id: TaskId) -> Self {
        Self { client, task_id }
    }

    async fn send(self) -> Result<(), Error> {
        let call = Call::question("cancel", "/task/openapi/cancel").once(true).urgent();
        let body = json!({ "taskId": self.task_id });
        self.client.post_legacy(call, &body, |answer| answer.success().map(drop)).await
    }
}

into_future!(Cancel => ());
