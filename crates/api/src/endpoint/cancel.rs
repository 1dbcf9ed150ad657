//! `POST /task/openapi/cancel`: stops a task.

use std::sync::atomic::{AtomicBool, Ordering};

use runninghub_core::TaskId;
use serde_json::json;

use super::into_future;
use crate::{
    Class, Client, Error,
    http::{Answer, Call},
};

/// Stops a queued or running task. Created by [`Client::cancel`]. Sent even while the key has to wait, and retried
/// when there is no response: cancelling twice does no harm.
///
/// A task that is over gets the same response as an unknown one ([`Class::NotFound`]). If an earlier response was
/// lost, this checks whether the task is over: then it counts as cancelled.
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
        let body = json!({ "taskId": self.task_id });
        let is_lost = AtomicBool::new(false);
        let attempt = async || {
            let call = Call::question("cancel", "/task/openapi/cancel").once(true).urgent();
            let answer = self.client.post_legacy(call, &body, Answer::done).await;
            answer.inspect_err(|error| _ = is_lost.fetch_or(error.code().is_none(), Ordering::Relaxed))
        };
        match self.client.repeat(attempt).await {
            Err(error) if error.class() == Class::NotFound && is_lost.into_inner() => {
                let seen = self.client.outputs(&self.task_id).once().await;
                if seen.is_ok_and(|seen| seen.status.is_over()) { Ok(()) } else { Err(error) }
            }
            answer => answer,
        }
    }
}

into_future!(Cancel => ());
