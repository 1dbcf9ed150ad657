//! `POST /task/openapi/cancel`: stops a task.

use std::sync::atomic::{AtomicBool, Ordering};

use runninghub_core::TaskId;
use serde_json::json;

use super::into_future;
use crate::{Class, Client, Error, http::Call};

/// Stops a queued or running task. Made by [`Client::cancel`]. Sent also while the key has to wait, and again when no
/// answer comes: stopping twice does no harm.
///
/// A task that is over answers as one that is not known ([`Class::NotFound`]). After an answer that was lost this counts as
/// stopped.
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
        self.client
            .repeat(async || {
                let call = Call::question("cancel", "/task/openapi/cancel").once(true).urgent();
                let answer = self.client.post_legacy(call, &body, |answer| answer.success().map(drop)).await;
                match answer {
                    Err(error) if error.class() == Class::NotFound && is_lost.load(Ordering::Relaxed) => {
                        Ok(())
                    }
                    Err(error) => {
                        is_lost.fetch_or(error.code().is_none(), Ordering::Relaxed);
                        Err(error)
                    }
                    Ok(()) => Ok(()),
                }
            })
            .await
    }
}

into_future!(Cancel => ());
