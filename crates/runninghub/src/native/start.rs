//! From a prompt in the queue to a run.

use std::{sync::Arc, time::Duration};

use runninghub_core::{ClientId, Event, Plan, TaskId, WorkflowId};
use runninghub_transport::{Connect, FrameSource};

use super::{backend::Follows, comfy::Server, opened::Opened};
use crate::{Run, book::Page, launch::Launch};

/// Marks the client ids of this crate, so that a later process knows which sockets it may take over.
pub(super) const OURS: &str = "rhub-";

/// What is known when the driver starts.
pub(super) struct Start {
    pub(super) prompt: TaskId,
    pub(super) client_id: ClientId,
    pub(super) plan: Option<Arc<Plan>>,
    pub(super) learned_as: Option<WorkflowId>,
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
        }
        .run()
        .with_learned_as(start.learned_as)
    }
}
