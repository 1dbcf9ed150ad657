//! RunningHub as a backend.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use runninghub_api::{Class, Client, Retry};
use runninghub_core::{Graph, Kind, Observation, SocketUrl, TaskId, TaskStatus, say};
use url::Url;

use crate::{
    Backend, BackendError, Error, ErrorKind,
    cancel::{Cancels, over},
    observed::{completed, has_reason, is_unknown, observed},
};

/// RunningHub's HTTP API.
#[derive(Debug)]
pub(crate) struct Platform {
    client: Client,
    cancels: Arc<Cancels>,
    family: Family,
    /// Whether the v2 endpoint is used.
    by_query: AtomicBool,
}

/// The endpoint that knows a task.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Family {
    /// `outputs`, which also returns the socket URL.
    Workflow,
    /// The v2 `query`, according to the documentation.
    Model,
    /// One of the two; found by trying.
    Unknown,
}

impl Family {
    /// The family for a submit in the ledger, by its kind.
    pub(crate) fn of(kind: &Kind) -> Self {
        match kind {
            Kind::Workflow => Self::Workflow,
            Kind::Model => Self::Model,
            _ => Self::Unknown,
        }
    }
}

impl Platform {
    pub(crate) fn new(client: Client, cancels: Arc<Cancels>, family: Family) -> Self {
        Self { client, cancels, family, by_query: AtomicBool::new(family == Family::Model) }
    }

    async fn ask(&self, task: &TaskId, by_query: bool) -> Result<Observation, runninghub_api::Error> {
        if by_query { self.client.query(task).once().await } else { self.client.outputs(task).once().await }
    }
}

#[async_trait]
impl Backend for Platform {
    async fn observe(&self, task: &TaskId) -> Result<Observation, BackendError> {
        let by_query = self.by_query.load(Ordering::Relaxed);
        let mut answer = self.ask(task, by_query).await;
        // `outputs` may briefly not know a new workflow task. Don't fall back to `query`: it doesn't return the
        // socket URL.
        if self.family != Family::Workflow
            && answer.as_ref().is_err_and(is_unknown)
            && let Ok(seen) = self.ask(task, !by_query).await
        {
            self.by_query.store(!by_query, Ordering::Relaxed);
            answer = Ok(seen);
        }
        let is_forgotten = answer.as_ref().is_err_and(is_unknown);
        if let Some(seen) = self.cancels.excuse(task, is_forgotten).await {
            return Ok(seen);
        }
        let failed = |error: runninghub_api::Error| {
            let after = match error.retry() {
                Retry::Safe { after } => after.map(|after| after.mul_f64(self.client.time_scale())),
                _ => None,
            };
            // A status without a code is from an intermediary's page, not from the platform.
            let is_final = error.code().is_some()
                && matches!(error.class(), Class::Auth | Class::NotFound | Class::BadRequest);
            BackendError::new(Error::api(say!("cannot poll the task"), error), is_final, after)
        };
        let mut seen = answer.map_err(failed)?;
        if seen.status == TaskStatus::Failed && !by_query && !has_reason(&seen) {
            seen = completed(&self.client, task, seen).await;
        }
        Ok(self.cancels.judge(task, seen).await)
    }

    async fn results(&self, task: &TaskId) -> Result<Observation, Error> {
        let answer = observed(&self.client, task).await;
        let is_forgotten = answer.as_ref().is_err_and(is_unknown);
        if let Some(seen) = self.cancels.excuse(task, is_forgotten).await {
            return Ok(seen);
        }
        let seen = answer.map_err(|error| Error::api(say!("cannot get the task's results"), error))?;
        Ok(self.cancels.judge(task, seen).await)
    }

    async fn cancel(&self, task: &TaskId) -> Result<(), Error> {
        let is_first = self.cancels.note(task).await;
        let Err(error) = self.client.cancel(task).await else { return Ok(()) };
        if is_first && error.code().is_some() {
            self.cancels.take_back(task).await;
        }
        // This endpoint does not know tasks that are over.
        if is_unknown(&error)
            && let Ok(seen) = self.results(task).await
            && seen.status.is_over()
        {
            return Err(over(&seen));
        }
        Err(Error::api(say!("cannot cancel the task"), error))
    }

    /// The socket URL contains the workflow's id: enough for a task that was submitted elsewhere.
    async fn graph_of(&self, address: &SocketUrl) -> Option<Graph> {
        let url = Url::parse(address.expose()).ok()?;
        let (_, id) = url.query_pairs().find(|(name, value)| name == "workflowId" && !value.is_empty())?;
        let text = self.client.workflow(&(&*id).into()).await.ok()?;
        Graph::parse(&text).ok()
    }

    fn on_resume(&self, slept: Duration) {
        self.client.on_resume(slept);
    }

    fn unreachable(&self) -> Error {
        Error::new(ErrorKind::Network, say!("the platform has been unreachable for too long"))
            .with_hint(say!("the task may still be running: watch it again later"))
    }

    fn held(&self) -> Option<Duration> {
        self.client.held()
    }

    fn calls(&self) -> u64 {
        self.client.calls()
    }
}
