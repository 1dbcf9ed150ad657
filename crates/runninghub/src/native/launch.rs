//! The common start of every run on a server.

use std::sync::Arc;

use runninghub_core::{ClientId, Graph, TaskId};
use runninghub_transport::{Connect, FrameSource};

use super::{backend::Follows, comfy::Server, opened::Opened};
use crate::{History, history::Lesson, launch::Launch};

/// Prefix of this crate's client ids, so that a later process knows which sockets it may take over.
pub(super) const OURS: &str = "rhub-";

pub(super) fn client_id() -> ClientId {
    format!("{OURS}{:032x}", fastrand::u128(..)).into()
}

impl Server {
    /// The history of a graph's runs.
    pub(super) fn lesson(&self, graph: &Graph) -> Option<Lesson> {
        let history = self.history.clone()?;
        Some(Lesson { history, workflow: History::name_of(graph), instance: String::new() })
    }

    /// The minimum to follow a prompt; `open` is a socket that was opened before it was sent.
    pub(super) fn launch(
        &self,
        prompt: TaskId,
        client_id: &ClientId,
        open: Option<Box<dyn FrameSource>>,
    ) -> Launch {
        if let Some(recorder) = &self.recorder {
            recorder.task(&prompt);
        }
        // Another run on this machine may receive the frames; then this one polls, with its own socket.
        let turn = self.turns.take(&prompt);
        let own = if turn.is_none() && open.is_none() { self::client_id() } else { client_id.clone() };
        let socket = self.client.socket(&own);
        let connect: Arc<dyn Connect> = match open {
            Some(open) => Arc::new(Opened::new(open, Arc::clone(&self.connect))),
            None => Arc::clone(&self.connect),
        };
        let backend = Follows { native: Arc::clone(&self.native), socket: socket.clone(), _turn: turn };
        Launch {
            pace: self.pace,
            previews: self.previews,
            prompt: Some(prompt.as_str().into()),
            socket: Some(socket),
            priors: self.priors.clone(),
            ..Launch::new(Arc::new(backend), connect, prompt)
        }
    }
}
