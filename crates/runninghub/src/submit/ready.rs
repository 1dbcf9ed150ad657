//! Prepares a submit (checks and uploads), and then pays for it.

use std::{collections::HashMap, path::PathBuf};

use runninghub_api::{CreateTask, ModelPrice, UploadSource};
use runninghub_core::{Graph, Kind, NodeId, Untrusted, say};

use super::{app, check::cannot_upload, model, pay, workflow};
use crate::{Error, Run, RunningHub, Submit, Work, attempts::Subject, hub::Hub, platform::Family};

/// A submit that is checked and uploaded.
pub(super) struct Ready {
    pub(super) subject: Subject,
    pub(super) request: CreateTask,
    /// The graph with all changes, if known.
    pub(super) graph: Option<Graph>,
    /// The titles of some nodes, where there is no graph.
    pub(super) names: HashMap<NodeId, Untrusted>,
    pub(super) family: Family,
}

impl RunningHub {
    /// The price of a model run. Uploads the files, and creates no task.
    ///
    /// # Errors
    /// When a value is invalid, or there is no response; [`ErrorKind::Usage`](crate::ErrorKind::Usage) for work
    /// other than a model.
    pub async fn price(&self, submit: &Submit) -> Result<ModelPrice, Error> {
        let Work::Model(name) = &submit.work else {
            return Err(Error::usage(say!("only models have a known price before they run")));
        };
        submit.check_settings()?;
        model::price(&self.0, submit, name).await
    }

    pub(crate) async fn submit_once(&self, submit: Submit) -> Result<Run, Error> {
        let hub = &*self.0;
        submit.check_settings()?;
        let mut ready = match &submit.work {
            Work::Workflow(id) => workflow::saved(hub, &submit, id).await?,
            Work::Graph(json) => workflow::whole(hub, &submit, json).await?,
            Work::App(app) => app::ready(hub, &submit, app, None).await?,
            Work::Quick { app, code } => app::ready(hub, &submit, app, Some(code)).await?,
            Work::Model(name) => model::ready(hub, &submit, name).await?,
        };
        if let Some(attempts) = &hub.attempts {
            ready.subject.recipe = Some(attempts.recipe(&submit).await);
        }
        let recorded = match &hub.recorder {
            Some(recorder) => Some(recorder.submit(&submit, &hub.place).await),
            None => None,
        };
        let paid = pay::pay(hub, &submit, &ready).await?;
        if let (Some(recorder), Some(recorded)) = (&hub.recorder, &recorded) {
            recorder.write_submit(recorded);
        }
        Ok(paid.begin(hub, &submit, ready))
    }
}

impl Subject {
    /// The request without the key: equal requests have equal texts.
    pub(super) fn text(&self, request: &CreateTask) -> Result<String, Error> {
        let body = request.body().map_err(|error| Error::api(say!("the task was not created"), error))?;
        Ok(match (&self.kind, &self.target) {
            // The endpoint is not in the body.
            (Kind::Model, Some(endpoint)) => format!("{endpoint}\n{body}"),
            _ => body,
        })
    }
}

impl Hub {
    /// Uploads a file; returns the name that nodes use.
    pub(super) async fn upload(&self, path: PathBuf) -> Result<String, Error> {
        let uploaded = self.client.upload(UploadSource::path(&path)).await;
        let uploaded = uploaded.map_err(|error| Error::api(cannot_upload(&path), error))?;
        Ok(uploaded.file_name.as_str().to_owned())
    }
}
