//! Follows an existing task.

use std::{collections::HashMap, sync::Arc, time::Duration};

use runninghub_core::{Event, Kind, Learned, TaskId, WebappId, WorkflowId};
use runninghub_ledger::{Entry, Intent};

use crate::{
    Error, Recipe, Run, RunningHub, Workflow,
    attempts::{Attempt, AttemptLog, accepted_ago},
    hub::Hub,
    launch::{Known, Launch},
    platform::Family,
    sentence_of,
    submit::node_names,
};

/// A task to be followed: plain data, until [`Service::follow`](crate::Service::follow) takes it.
#[derive(Clone, Debug)]
#[must_use = "nothing happens until a service takes it"]
pub struct Follow {
    pub(crate) task: TaskId,
    pub(crate) workflow: Option<WorkflowId>,
    pub(crate) learned: Vec<Learned>,
}

impl Follow {
    /// A task that was submitted before, here or elsewhere, running or over.
    pub fn task(id: impl Into<TaskId>) -> Self {
        Self { task: id.into(), workflow: None, learned: Vec::new() }
    }

    /// The task.
    pub fn id(&self) -> &TaskId {
        &self.task
    }

    /// The workflow of a RunningHub task, for a percentage from the start. Otherwise it is taken from the
    /// socket's URL, once that is known. A ComfyUI knows its workflow.
    pub fn workflow(self, id: impl Into<WorkflowId>) -> Self {
        Self { workflow: Some(id.into()), ..self }
    }

    /// How long each node took in earlier runs, instead of the history's data.
    pub fn learned(self, learned: Vec<Learned>) -> Self {
        Self { learned, ..self }
    }
}

impl From<TaskId> for Follow {
    fn from(id: TaskId) -> Self {
        Self::task(id)
    }
}

/// The ledger's data about a task that is to be followed.
#[derive(Default)]
pub(crate) struct Recalled {
    pub(crate) entry: Option<Entry>,
    pub(crate) attempt: Option<Attempt>,
    /// How long ago it was accepted, if it is in the ledger and not known to be over.
    pub(crate) accepted: Option<Duration>,
    /// Why the ledger could not be read. The task is paid for, so it is followed anyway.
    pub(crate) warning: Option<Event>,
}

impl Recalled {
    pub(crate) async fn of(attempts: Option<&AttemptLog>, task: &TaskId) -> Self {
        let Some(attempts) = attempts else { return Self::default() };
        match attempts.find(task).await {
            Ok(Some((entry, attempt))) => {
                let accepted = accepted_ago(&entry);
                Self { entry: Some(entry), attempt: Some(attempt), accepted, warning: None }
            }
            Ok(None) => Self::default(),
            Err(error) => {
                Self { warning: Some(Event::warning("ledger", sentence_of(&error))), ..Self::default() }
            }
        }
    }
}

impl RunningHub {
    pub(crate) async fn follow_task(&self, follow: Follow) -> Result<Run, Error> {
        let hub = &*self.0;
        let Recalled { entry, attempt, accepted, warning } =
            Recalled::of(hub.attempts.as_ref(), &follow.task).await;
        let family = entry.as_ref().map_or(Family::Unknown, |entry| Family::of(&entry.intent.kind));
        let workflow = follow.workflow.clone().or_else(|| entry.as_ref()?.intent.workflow.clone());
        // The ledger does not record the instance type.
        let lesson = hub.lesson(workflow.as_ref(), "");
        let submitted = hub.graph_of(entry.as_ref()).await;
        let found = match (submitted, &workflow) {
            (Some(workflow), _) => Some(workflow),
            (None, Some(id)) => match hub.workflow(id).await {
                Err(error) if follow.workflow.is_some() => return Err(error),
                // The workflow was not given by the caller, and may still be found by the socket's URL.
                found => found.ok(),
            },
            (None, None) => None,
        };
        let plan = found.map(|workflow| {
            hub.record_workflow(&workflow);
            let known = Known { priors: &hub.priors, lesson: lesson.as_ref(), learned: &follow.learned };
            known.plan(workflow.graph(), &[])
        });
        let names = match entry.as_ref().map(|entry| &entry.intent) {
            // A plan has its own titles.
            Some(Intent { kind: Kind::App, target: Some(app), .. }) if plan.is_none() => {
                hub.form(&WebappId::from(&**app)).await.map(|form| node_names(&form)).unwrap_or_default()
            }
            _ => HashMap::new(),
        };
        let launch = Launch {
            workflow,
            plan,
            names,
            first: warning.into_iter().collect(),
            attempt,
            accepted,
            lesson,
            ..hub.launch(follow.task, family)
        };
        Ok(launch.run())
    }
}

impl Hub {
    /// The graph that a submit has sent, if the ledger keeps it: without the changes, which add no nodes.
    async fn graph_of(&self, entry: Option<&Entry>) -> Option<Workflow> {
        let digest = Recipe::kept(entry?)?.graph_sha256?;
        let json = self.attempts.as_ref()?.ledger().graph(digest).await.ok()??;
        Workflow::parse(&json).ok()
    }

    /// The minimum to follow a task of the platform.
    pub(crate) fn launch(&self, task: TaskId, family: Family) -> Launch {
        if let Some(recorder) = &self.recorder {
            recorder.task(&task);
        }
        Launch {
            pace: self.pace,
            previews: self.previews,
            priors: self.priors.clone(),
            queue: Some(Arc::clone(&self.queue)),
            ..Launch::new(Arc::new(self.backend(family)), Arc::clone(&self.connect), task)
        }
    }

    pub(crate) fn record_workflow(&self, workflow: &Workflow) {
        if let Some(recorder) = &self.recorder {
            recorder.workflow(&workflow.text());
        }
    }
}
