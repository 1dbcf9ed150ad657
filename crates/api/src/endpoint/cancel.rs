//! `POST /task/openapi/cancel`: stops a task.

use std::sync::atomic::{AtomicBool, Ordering};

use runninghub_core::TaskId;
use serde_json::json;

use crate::{
    Class, Client, Error,
    http::{Answer, Call},
};

impl Client {
    /// Stops a queued or running task. Sent even while the key has to wait, and retried when there is no response:
    /// cancelling twice does no harm.
    ///
    /// A task that is over gets the same response as an unknown one ([`Class::NotFound`]). If an earlier response was
    /// lost, this checks whether the task is over: then it counts as cancelled.
    ///
    /// # Errors
    /// When there is no response, or the platform refuses the request.
    pub async fn cancel(&self, task_id: &TaskId) -> Result<(), Error> {
        let body = json!({ "taskId": task_id });
        let is_lost = AtomicBool::new(false);
        let attempt = async || {
            let call = Call::repeatable("cancel", "/task/openapi/cancel").once(true).urgent();
            let answer = self.post_legacy(call, &body, Answer::done).await;
            answer.inspect_err(|error| _ = is_lost.fetch_or(error.code().is_none(), Ordering::Relaxed))
        };
        match self.repeat(attempt).await {
            Err(error) if error.class() == Class::NotFound && is_lost.into_inner() => {
                let seen = self.outputs(task_id).once().await;
                if seen.is_ok_and(|seen| seen.status.is_over()) { Ok(()) } else { Err(error) }
            }
            answer => answer,
        }
    }
}
