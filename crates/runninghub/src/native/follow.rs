//! Taking up a prompt that exists.

use std::{fmt, sync::Arc};

use runninghub_comfyui::Queued;
use runninghub_core::{Event, Graph, Plan, TaskId};

use super::{
    comfy::Server,
    start::{OURS, Start, client_id},
};
use crate::{Error, Run, book::accepted_ago, history::Lesson, launch::FIRST_CONTACT};

/// A prompt to be followed. [`FollowPrompt::start`] begins.
#[must_use = "nothing happens until `start` is called"]
pub struct FollowPrompt {
    server: Arc<Server>,
    prompt: TaskId,
}

impl FollowPrompt {
    pub(super) fn new(server: Arc<Server>, prompt: TaskId) -> Self {
        Self { server, prompt }
    }

    /// Begins to follow. That the server does not know the prompt is told by the run.
    ///
    /// # Errors
    /// When what answers is no ComfyUI, or nobody does.
    pub async fn start(self) -> Result<Run, Error> {
        let what = "cannot look for the prompt";
        let queued = self.look().await.map_err(|error| Error::comfy(what, error))?;
        let graph = queued.as_ref().and_then(|queued| Graph::parse(&queued.workflow).ok());
        let lesson = graph.as_ref().and_then(|graph| self.server.lesson(graph));
        let learned = lesson.as_ref().map(Lesson::learned).unwrap_or_default();
        let plan = graph.zip(queued.as_ref()).map(|(graph, queued)| {
            let plan = Plan::with_priors(&graph, &queued.outputs_to_execute, &self.server.priors);
            Arc::new(plan.with_learned(&learned))
        });
        if let (Some(recorder), Some(queued)) = (&self.server.recorder, &queued) {
            recorder.prompt(self.prompt.as_str(), &queued.workflow);
        }
        // Somebody else's socket is not taken over: it would fall silent.
        let ours = queued.and_then(|queued| queued.client_id).filter(|id| id.as_str().starts_with(OURS));
        let (mut page, mut accepted, mut first) = (None, None, Vec::new());
        if let Some(book) = &self.server.book {
            match book.find(&self.prompt).await {
                Ok(Some((entry, found))) => {
                    accepted = accepted_ago(&entry);
                    page = Some(found);
                }
                Ok(None) => {}
                Err(error) => first.push(Event::warning("ledger", crate::chain(&error))),
            }
        }
        Ok(self.server.run(Start {
            prompt: self.prompt,
            client_id: ours.unwrap_or_else(client_id),
            plan,
            lesson,
            socket: None,
            first,
            page,
            accepted,
            first_contact: Some(FIRST_CONTACT),
        }))
    }

    /// What was queued, where the server still knows.
    async fn look(&self) -> Result<Option<Queued>, runninghub_comfyui::Error> {
        let client = &self.server.client;
        let queue = client.queue().await?;
        if let Some((queued, _)) = queue.find(self.prompt.as_str()) {
            return Ok(Some(queued.clone()));
        }
        Ok(client.history(self.prompt.as_str()).await?.and_then(|finished| finished.prompt))
    }
}

impl fmt::Debug for FollowPrompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FollowPrompt").field("prompt", &self.prompt).finish_non_exhaustive()
    }
}
