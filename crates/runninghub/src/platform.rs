//! RunningHub as a backend.

use std::time::Duration;

use async_trait::async_trait;
use runninghub_api::{Class, Client, Retry};
use runninghub_core::{Graph, Observation, SocketUrl, TaskId, TaskStatus};
use url::Url;

use crate::{Backend, BackendError, Error};

/// RunningHub, by its HTTP API.
#[derive(Debug)]
pub(crate) struct Platform {
    client: Client,
}

impl Platform {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }
}

#[async_trait]
impl Backend for Platform {
    async fn observe(&self, task: &TaskId) -> Result<Observation, BackendError> {
        self.client.outputs(task).once().await.map_err(|error| {
            let after = match error.retry() {
                Retry::Safe { after } => after.map(|after| after.mul_f64(self.client.time_scale())),
                _ => None,
            };
            let is_final = matches!(error.class(), Class::Auth | Class::NotFound | Class::BadRequest);
            BackendError::new(Error::api("cannot ask how the task stands", error), is_final, after)
        })
    }

    /// What a task made before it failed is told by the v2 answer, if at all.
    async fn results(&self, task: &TaskId) -> Result<Observation, Error> {
        let answer = self.client.outputs(task).await;
        let mut seen = answer.map_err(|error| Error::api("cannot ask for the task's results", error))?;
        if matches!(seen.status, TaskStatus::Failed | TaskStatus::Cancelled) && seen.outputs.is_empty() {
            match self.client.query(task).once().await {
                Ok(made) => seen.outputs = made.outputs,
                Err(error) => tracing::debug!(%error, "whether the failed task made anything is not known"),
            }
        }
        Ok(seen)
    }

    async fn cancel(&self, task: &TaskId) -> Result<(), Error> {
        self.client.cancel(task).await.map_err(|error| Error::api("cannot cancel the task", error))
    }

    /// The address names the workflow: enough for a task that somebody else submitted.
    async fn graph_of(&self, address: &SocketUrl) -> Option<Graph> {
        let url = Url::parse(address.expose()).ok()?;
        let (_, id) = url.query_pairs().find(|(name, value)| name == "workflowId" && !value.is_empty())?;
        let text = self.client.workflow(&(&*id).into()).await.ok()?;
        Graph::parse(&text).ok()
    }

    fn woke(&self, slept: Duration) {
        self.client.woke(slept);
    }

    fn calls(&self) -> u64 {
        self.client.calls()
    }
}
