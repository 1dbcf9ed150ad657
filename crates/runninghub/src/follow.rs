//! Taking up a task that exists.

use std::{fmt, sync::Arc, time::Duration};

use runninghub_core::{Event, Learned, Plan, SocketUrl, TaskId, WorkflowId};

use crate::{
    Error, Run, Workflow,
    book::{Page, accepted_ago},
    history::Lesson,
    hub::Hub,
    launch::{FIRST_CONTACT, Launch},
    platform::Family,
};

/// A task to be followed. [`Follow::start`] begins.
#[must_use = "nothing happens until `start` is called"]
pub struct Follow {
    hub: Arc<Hub>,
    task: TaskId,
    workflow: Option<WorkflowId>,
    learned: Vec<Learned>,
}

/// What is known when the driver starts.
pub(crate) struct Start {
    pub(crate) task: TaskId,
    pub(crate) workflow: Option<WorkflowId>,
    pub(crate) plan: Option<Arc<Plan>>,
    pub(crate) address: Option<SocketUrl>,
    pub(crate) first: Vec<Event>,
    /// Where the end is written down.
    pub(crate) page: Option<Page>,
    /// How long ago it was accepted, where it is one of ours and not known to be over.
    pub(crate) accepted: Option<Duration>,
    /// Questions without any answer before the service counts as unreachable; no limit for a task just paid for.
    pub(crate) first_contact: Option<u32>,
    pub(crate) family: Family,
    /// Where what the run shows is kept.
    pub(crate) lesson: Option<Lesson>,
}

impl Follow {
    pub(crate) fn new(hub: Arc<Hub>, task: TaskId) -> Self {
        Self { hub, task, workflow: None, learned: Vec::new() }
    }

    /// The workflow that the task runs, for a percentage from the start. Otherwise it is taken from the socket's
    /// address, once that is known.
    pub fn workflow(mut self, id: impl Into<WorkflowId>) -> Self {
        self.workflow = Some(id.into());
        self
    }

    /// How long each node took in earlier runs, instead of what the history has.
    pub fn learned(mut self, learned: Vec<Learned>) -> Self {
        self.learned = learned;
        self
    }

    /// Begins to follow.
    ///
    /// # Errors
    /// When the workflow was named and cannot be had.
    pub async fn start(self) -> Result<Run, Error> {
        let (mut page, mut workflow, mut first) = (None, self.workflow.clone(), Vec::new());
        let (mut family, mut accepted) = (Family::Unknown, None);
        if let Some(book) = &self.hub.book {
            match book.find(&self.task).await {
                Ok(Some((entry, found))) => {
                    family = Family::of(&entry.intent.kind);
                    accepted = accepted_ago(&entry);
                    workflow = workflow.or(entry.intent.workflow);
                    page = Some(found);
                }
                Ok(None) => {}
                // The task is paid for, and following it matters more.
                Err(error) => first.push(Event::warning("ledger", crate::chain(&error))),
            }
        }
        // Which type of instance it runs on is not known here.
        let lesson = self.hub.lesson(workflow.as_ref(), "");
        let plan = match &workflow {
            Some(id) => match self.hub.workflow(id).await {
                Ok(workflow) => {
                    self.hub.record_workflow(&workflow);
                    let plan = Plan::with_priors(workflow.graph(), &[], &self.hub.priors);
                    let kept = lesson.as_ref().filter(|_| self.learned.is_empty()).map(Lesson::learned);
                    Some(Arc::new(plan.with_learned(kept.as_ref().unwrap_or(&self.learned))))
                }
                Err(error) if self.workflow.is_some() => return Err(error),
                // Nobody asked for it: it may be found by the socket's address.
                Err(_) => None,
            },
            None => None,
        };
        Ok(self.hub.run(Start {
            task: self.task,
            workflow,
            plan,
            address: None,
            first,
            page,
            accepted,
            first_contact: Some(FIRST_CONTACT),
            family,
            lesson,
        }))
    }
}

impl Hub {
    /// Starts the driver.
    pub(crate) fn run(&self, start: Start) -> Run {
        if let Some(recorder) = &self.recorder {
            recorder.task(&start.task);
        }
        Launch {
            backend: Arc::new(self.backend(start.family)),
            connect: Arc::clone(&self.connect),
            pace: self.pace,
            previews: self.previews,
            task: start.task,
            workflow: start.workflow,
            plan: start.plan,
            prompt: None,
            socket: start.address,
            first: start.first,
            page: start.page,
            accepted: start.accepted,
            first_contact: start.first_contact,
            priors: self.priors.clone(),
            lesson: start.lesson,
        }
        .run()
    }

    pub(crate) fn record_workflow(&self, workflow: &Workflow) {
        if let Some(recorder) = &self.recorder {
            recorder.workflow(workflow.text());
        }
    }
}

impl fmt::Debug for Follow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow").finish_non_exhaustive()
    }
}
