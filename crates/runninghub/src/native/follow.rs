//! Follows an existing prompt.

use runninghub_comfyui::Queued;
use runninghub_core::{Graph, say};

use super::{
    comfy::{Comfy, Server},
    launch::{OURS, client_id},
};
use crate::{
    Error, Follow, Run,
    follow::Recalled,
    launch::{Known, Launch},
};

impl Comfy {
    pub(super) async fn follow_prompt(&self, follow: Follow) -> Result<Run, Error> {
        let server = &*self.0;
        if follow.workflow.is_some() {
            return Err(Error::usage(say!(
                "a ComfyUI server reports the workflow itself: a prompt is followed without a workflow id"
            )));
        }
        let prompt = follow.task;
        let queued = server.look(prompt.as_str()).await;
        let queued = queued.map_err(|error| server.error(say!("cannot look for the prompt"), error))?;
        let graph = queued.as_ref().and_then(|queued| Graph::parse(&queued.workflow).ok());
        let lesson = graph.as_ref().and_then(|graph| server.lesson(graph));
        let known = Known { priors: &server.priors, lesson: lesson.as_ref(), learned: &follow.learned };
        let plan =
            graph.zip(queued.as_ref()).map(|(graph, queued)| known.plan(&graph, &queued.outputs_to_execute));
        if let (Some(recorder), Some(queued)) = (&server.recorder, &queued) {
            recorder.prompt(prompt.as_str(), &queued.workflow);
        }
        // The socket of another client is not taken over: that client would get no more messages.
        let ours = queued.and_then(|queued| queued.client_id).filter(|id| id.as_str().starts_with(OURS));
        let Recalled { attempt, accepted, warning, .. } =
            Recalled::of(server.attempts.as_ref(), &prompt).await;
        let launch = Launch {
            plan,
            first: warning.into_iter().collect(),
            attempt,
            accepted,
            lesson,
            ..server.launch(prompt, &ours.unwrap_or_else(client_id), None)
        };
        Ok(launch.run())
    }
}

impl Server {
    /// The queued prompt, if the server still knows it.
    async fn look(&self, prompt: &str) -> Result<Option<Queued>, runninghub_comfyui::Error> {
        let queue = self.client.queue().await?;
        if let Some((queued, _)) = queue.find(prompt) {
            return Ok(Some(queued.clone()));
        }
        Ok(self.client.history(prompt).await?.and_then(|finished| finished.prompt))
    }
}
