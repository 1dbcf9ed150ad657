//! From a prompt in the queue to a run.

use std::{sync::Arc, time::Duration};

use runninghub_core::{ClientId, Event, Graph, Plan, TaskId};
use runninghub_transport::{Connect, FrameSource};

use super::{backend::Follows, comfy::Server, opened::Opened};
use crate::{History, Run, book::Page, history::Lesson, launch::Launch};

/// Marks the client ids of this crate, so that a later process knows which sockets it may take over.
pub(super) const OURS: &str = "rhub-";

/// What is known when the driver starts.
pub(super) struct Start {
    pub(super) prompt: TaskId,
    pub(super) client_id: ClientId,
    pub(super) plan: Option<Arc<Plan>>,
    pub(super) lesson: Option<Lesson>,
    /// Opened before the prompt was sent.
    pub(super) socket: Option<Box<dyn FrameSource>>,
    pub(super) first: Vec<Event>,
    pub(super) page: Option<Page>,
    /// How long ago it was queued, where it is one of ours and not known to be over.
    pub(super) accepted: Option<Duration>,
    pub(super) first_contact: Option<u32>,
}

pub(super) fn client_id() -> ClientId {
    format!("{OURS}{:032x}", fastrand::u128(..)).into()
}

impl Server {
    /// What runs of a graph have shown.
    pub(super) fn lesson(&self, graph: &Graph) -> Option<Lesson> {
        let history = self.history.clone()?;
        Some(Lesson { history, workflow: History::name_of(graph), instance: String::new() })
    }

    pub(super) fn run(&self, start: Start) -> Run {
        if let Some(recorder) = &self.recorder {
            recorder.task(&start.prompt);
        }
        let socket = self.client.socket(&start.client_id);
        let connect: Arc<dyn Connect> = match start.socket {
            Some(open) => Arc::new(Opened::new(open, Arc::clone(&self.connect))),
            None => Arc::clone(&self.connect),
        };
        Launch {
            backend: Arc::new(Follows { native: Arc::clone(&self.native), socket: socket.clone() }),
            connect,
            pace: self.pace,
            previews: self.previews,
            prompt: Some(start.prompt.as_str().into()),
            task: start.prompt,
            workflow: None,
            plan: start.plan,
            socket: Some(socket),
            first: start.first,
            page: start.page,
            accepted: start.accepted,
            first_contact: start.first_contact,
            priors: self.priors.clone(),
            lesson: start.lesson,
        }
        .run()
    }
}
