//! From a task that exists to a run.

use std::{sync::Arc, time::Duration};

use runninghub_core::{
    Confirm, Event, Machine, Pace, Plan, Priors, PromptId, Session, SocketUrl, TaskId, WorkflowId,
};
use runninghub_transport::Connect;

use crate::{Backend, Run, book::Page, driver::Driver, history::Lesson};

/// Polls without any answer after which nothing is there to be followed: about ten seconds.
pub(crate) const FIRST_CONTACT: u32 = 5;

/// Everything that a run is made of.
pub(crate) struct Launch {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) connect: Arc<dyn Connect>,
    pub(crate) pace: Pace,
    pub(crate) previews: bool,
    pub(crate) task: TaskId,
    pub(crate) workflow: Option<WorkflowId>,
    pub(crate) plan: Option<Arc<Plan>>,
    /// The only prompt that counts, on a socket that carries others as well.
    pub(crate) prompt: Option<PromptId>,
    pub(crate) socket: Option<SocketUrl>,
    pub(crate) first: Vec<Event>,
    /// Where the end is written down.
    pub(crate) page: Option<Page>,
    /// How long ago it was accepted, where it is one of ours and not known to be over.
    pub(crate) accepted: Option<Duration>,
    /// Polls without any answer before the service counts as unreachable; no limit for a task just paid for.
    pub(crate) first_contact: Option<u32>,
    /// For a workflow that is only found on the way.
    pub(crate) priors: Priors,
    /// Where what the run shows is kept.
    pub(crate) lesson: Option<Lesson>,
}

impl Launch {
    /// Starts the driver.
    pub(crate) fn run(self) -> Run {
        let mut machine = Machine::new(self.plan.clone(), Confirm::Http).with_previews(self.previews);
        if let Some(prompt) = self.prompt {
            // Other prompts are broadcast on the same socket, some of it without a prompt's id.
            machine = machine.only(prompt, false);
        }
        let mut session = Session::new(machine, self.pace, fastrand::u64(..));
        if let Some(ago) = self.accepted {
            session = session.accepted(ago);
        }
        let driver = Driver::new(
            Arc::clone(&self.backend),
            self.connect,
            self.task.clone(),
            session,
            self.socket,
            self.first_contact,
        )
        .with_priors(self.priors);
        Run::new(self.task, self.workflow, self.plan, self.page, self.backend, self.first, driver)
            .with_lesson(self.lesson)
    }
}
