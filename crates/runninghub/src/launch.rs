//! Creates a run from an existing task.

use std::{collections::HashMap, sync::Arc, time::Duration};

use runninghub_core::{
    Confirm, Event, Graph, Learned, Machine, NodeError, NodeId, Pace, Plan, Priors, PromptId, Session,
    SocketUrl, TaskId, Untrusted, WorkflowId, say,
};
use runninghub_transport::Connect;

use crate::{
    Backend, Run, attempts::Attempt, driver::Driver, history::Lesson, run::Source, submit::SubmitQueue,
};

/// Failed polls in a row before the service counts as unreachable: about ten seconds.
const FIRST_CONTACT: u32 = 5;

/// The parts of a run.
pub(crate) struct Launch {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) connect: Arc<dyn Connect>,
    pub(crate) pace: Pace,
    pub(crate) previews: bool,
    pub(crate) task: TaskId,
    pub(crate) workflow: Option<WorkflowId>,
    pub(crate) plan: Option<Arc<Plan>>,
    /// Titles of nodes, if there is no plan.
    pub(crate) names: HashMap<NodeId, Untrusted>,
    /// The only prompt to handle, on a socket that carries others as well.
    pub(crate) prompt: Option<PromptId>,
    pub(crate) socket: Option<SocketUrl>,
    pub(crate) first: Vec<Event>,
    /// Where the end is recorded.
    pub(crate) attempt: Option<Attempt>,
    /// How long ago it was accepted, if it is in the ledger and not known to be over.
    pub(crate) accepted: Option<Duration>,
    /// Failed polls before the service counts as unreachable; no limit for a task that was just paid for.
    pub(crate) first_contact: Option<u32>,
    /// For a workflow that is only identified during the run.
    pub(crate) priors: Priors,
    /// Where the run's durations are stored.
    pub(crate) lesson: Option<Lesson>,
    /// Notified when the task's slot is free, for the submits that wait for one.
    pub(crate) queue: Option<Arc<SubmitQueue>>,
}

/// The timing data for a graph before it runs.
pub(crate) struct Known<'a> {
    pub(crate) priors: &'a Priors,
    pub(crate) lesson: Option<&'a Lesson>,
    /// Durations given by the caller override the lesson.
    pub(crate) learned: &'a [Learned],
}

impl Known<'_> {
    /// Nodes that lead to one of `outputs`, or to any output if that is empty.
    pub(crate) fn plan(&self, graph: &Graph, outputs: &[NodeId]) -> Arc<Plan> {
        let kept = self.lesson.filter(|_| self.learned.is_empty()).map(Lesson::learned);
        let plan = Plan::with_priors(graph, outputs, self.priors);
        Arc::new(plan.with_learned(kept.as_deref().unwrap_or(self.learned)))
    }
}

/// Warnings about the nodes of an accepted workflow that were refused.
pub(crate) fn refused_nodes(errors: &[NodeError]) -> impl Iterator<Item = Event> {
    NodeError::sentences(errors)
        .map(|node| Event::warning("node_error", say!("rejected, and will not run: {node}", node)))
}

impl Launch {
    /// A task without further data.
    pub(crate) fn new(backend: Arc<dyn Backend>, connect: Arc<dyn Connect>, task: TaskId) -> Self {
        Self {
            backend,
            connect,
            pace: Pace::default(),
            previews: false,
            task,
            workflow: None,
            plan: None,
            names: HashMap::new(),
            prompt: None,
            socket: None,
            first: Vec::new(),
            attempt: None,
            accepted: None,
            first_contact: Some(FIRST_CONTACT),
            priors: Priors::default(),
            lesson: None,
            queue: None,
        }
    }

    /// Starts the driver.
    pub(crate) fn run(self) -> Run {
        let mut machine = Machine::new(self.plan.clone(), Confirm::Http)
            .with_previews(self.previews)
            .with_names(self.names);
        if let Some(prompt) = self.prompt {
            // Other prompts are broadcast on the same socket, partly without a prompt id.
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
        let source = Source::new(driver, self.task.clone(), self.attempt, self.queue);
        Run::new(self.task, self.workflow, self.plan, source, self.backend, self.first)
            .with_lesson(self.lesson)
    }
}
