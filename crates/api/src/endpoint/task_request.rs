//! A read request about one task.

use std::fmt;

use futures_util::future::BoxFuture;
use runninghub_core::TaskId;
use serde_json::json;

use crate::{
    Client, Error,
    http::{Answer, Call},
};

/// A request about a task. Created by [`Client::outputs`], [`Client::query`] and [`Client::status`].
#[must_use = "a request does nothing until it is awaited"]
pub struct TaskRequest<T: 'static> {
    client: Client,
    task_id: TaskId,
    once: bool,
    endpoint: &'static Endpoint<T>,
}

/// An endpoint that takes a task's id.
pub(super) struct Endpoint<T: 'static> {
    pub(super) name: &'static str,
    pub(super) path: &'static str,
    pub(super) is_v2: bool,
    pub(super) read: fn(&Answer) -> Result<T, Error>,
}

impl<T: 'static> TaskRequest<T> {
    pub(super) fn new(client: &Client, task_id: &TaskId, endpoint: &'static Endpoint<T>) -> Self {
        Self { client: client.clone(), task_id: task_id.clone(), once: false, endpoint }
    }

    /// Sends the request once, and leaves retries to the caller.
    pub fn once(self) -> Self {
        Self { once: true, ..self }
    }
}

impl<T: Send + 'static> TaskRequest<T> {
    async fn send(self) -> Result<T, Error> {
        let Endpoint { name, path, is_v2, read } = *self.endpoint;
        let call = Call::repeatable(name, path).once(self.once);
        let body = json!({ "taskId": self.task_id });
        if is_v2 {
            self.client.post_v2(call, &body, read).await
        } else {
            self.client.post_legacy(call, &body, read).await
        }
    }
}

impl<T: Send + 'static> IntoFuture for TaskRequest<T> {
    type Output = Result<T, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl<T: 'static> fmt::Debug for TaskRequest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskRequest")
            .field("name", &self.endpoint.name)
            .field("task_id", &self.task_id)
            .finish_non_exhaustive()
    }
}
