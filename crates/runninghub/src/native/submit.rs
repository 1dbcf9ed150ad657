//! Queues a prompt.

use std::{path::PathBuf, time::Duration};

use runninghub_comfyui::{Accepted, ErrorKind as ComfyErrorKind, Queued};
use runninghub_core::{ClientId, Graph, Kind, PromptId, TaskId, is_task_id, say};
use runninghub_ledger::{Digest, Step};
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use super::{
    comfy::{Comfy, Server},
    launch::client_id,
    refusal,
    resolve::{prompt_id, uuid},
};
use crate::{
    Error, ErrorKind, Run, Submit, Workflow,
    attempts::{Attempt, Subject, note, unwritten},
    launch::{Known, Launch, refused_nodes},
    sentence_of,
    submit::{Changed, SubmitStep, warn_of_keys},
};

/// How often a prompt whose response was lost is looked up, and the pause between.
const LOOKS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(500);

/// Why the prompt is not known to be queued.
enum Unqueued {
    Refused(runninghub_comfyui::Error),
    Unknown(Error),
}

/// A prompt about to be queued.
struct Prompt<'a> {
    server: &'a Server,
    submit: &'a Submit,
}

impl Comfy {
    /// Checks, uploads, opens the socket, and queues the prompt, exactly once. If the response is lost, the prompt
    /// is looked up on the server.
    pub(super) async fn submit_once(&self, submit: Submit) -> Result<Run, Error> {
        let server = &*self.0;
        let mut submit = submit;
        let (workflow, editor) = server.workflow(submit.graph_for_comfyui()?).await?;
        // In the form that the editor sends.
        submit.extra_pnginfo = submit.extra_pnginfo.or(editor);
        warn_of_keys(&submit, &workflow);
        let changes = submit.changes.check_whole(&workflow, server.file_rules)?;
        changes.report_seeds(&submit);
        server.is_there().await?;
        server.classes.learn(&server.client, workflow.graph()).await?;
        let upload = |path: PathBuf| async move {
            let uploaded = server.client.upload(&path).await;
            Ok(uploaded.map_err(|error| Error::comfy(say!("cannot upload the file"), error))?.input())
        };
        let changes = changes.upload(upload).await?;
        Prompt { server, submit: &submit }.send(&workflow, &changes).await
    }
}

impl Prompt<'_> {
    async fn send(&self, workflow: &Workflow, changes: &Changed) -> Result<Run, Error> {
        let server = self.server;
        let text = changes.graph(workflow);
        let client_id = client_id();
        let socket = match server.connect.connect(&server.client.socket(&client_id)).await {
            Ok(socket) => Some(socket),
            Err(error) => {
                // The socket is dialed again later; until then the server is polled.
                tracing::debug!(%error, "no socket yet");
                None
            }
        };
        let body = Digest::of(&text);
        if let Some(on_step) = &self.submit.on_step {
            on_step(SubmitStep::Sending);
        }
        let attempt = match &server.attempts {
            Some(attempts) => {
                let mut subject = Subject::workflow(Kind::Prompt, None);
                subject.recipe = Some(attempts.recipe(self.submit).await);
                Some(attempts.begin(attempts.intent(&subject, body, None, self.submit)).await?)
            }
            None => None,
        };
        // Servers before 0.3.45 choose the id themselves.
        let id = match &attempt {
            Some(attempt) => prompt_id(attempt.id(), body),
            None => uuid(fastrand::u128(..)),
        };
        let accepted = match self.queue(&text, &id, &client_id, attempt.as_ref()).await {
            Ok(accepted) => accepted,
            Err(Unqueued::Refused(error)) => return Err(self.refused(error, workflow).await),
            Err(Unqueued::Unknown(error)) => return Err(error),
        };
        if let Some(recorder) = &server.recorder {
            recorder.prompt(accepted.prompt_id.as_str(), &text);
        }
        let prompt = TaskId::from(accepted.prompt_id.as_str());
        let mut first = Vec::new();
        if let Err(error) = note(attempt.as_ref(), Step::Accepted { task: prompt.clone() }).await {
            first.push(unwritten(&prompt, &error));
        }
        if let Some(recorder) = &server.recorder {
            recorder.write_submit(&recorder.submit(self.submit, &server.place).await);
        }
        first.extend(refused_nodes(&accepted.node_errors));
        let outputs = server.classes.outputs(workflow.graph(), &accepted.dropped);
        let lesson = server.lesson(workflow.graph());
        // Changed steps and sizes change the expected time.
        let changed = Graph::parse(&text).ok();
        let graph = changed.as_ref().unwrap_or(workflow.graph());
        let known = Known { priors: &server.priors, lesson: lesson.as_ref(), learned: &self.submit.learned };
        let launch = Launch {
            plan: Some(known.plan(graph, &outputs)),
            first,
            attempt,
            accepted: Some(Duration::ZERO),
            first_contact: None,
            lesson,
            ..server.launch(prompt, &client_id, socket)
        };
        Ok(launch.run())
    }

    /// Extra data for nodes: the key of partner nodes, and the workflow in the editor's format.
    fn extra_data(&self) -> Map<String, Value> {
        let mut extra = Map::new();
        if let Some(key) = &self.server.partner_key {
            extra.insert("api_key_comfy_org".to_owned(), key.as_str().into());
        }
        if let Some(workflow) = &self.submit.extra_pnginfo {
            extra.insert("extra_pnginfo".to_owned(), json!({ "workflow": workflow }));
        }
        extra
    }

    async fn queue(
        &self,
        text: &str,
        id: &str,
        client_id: &ClientId,
        attempt: Option<&Attempt>,
    ) -> Result<Accepted, Unqueued> {
        let error = match self.server.client.prompt(text, client_id, Some(id), &self.extra_data()).await {
            Ok(accepted) => return Ok(accepted),
            Err(error) => error,
        };
        if error.is_unsent() {
            // Nothing was queued, whether or not that could be recorded.
            let _ = note(attempt, Step::Refused { note: sentence_of(&error).to_string() }).await;
            return Err(Unqueued::Refused(error));
        }
        if let Some(prompt_id) = self.look_for(id, client_id).await {
            return Ok(Accepted::found(prompt_id));
        }
        let text = sentence_of(&error).to_string();
        let what = say!("it is unknown whether the prompt was queued: it may be running");
        let unknown = Error::new(ErrorKind::SubmitUnknown, what).with_source(error);
        Err(Unqueued::Unknown(match attempt {
            None => unknown.with_hint(say!("check the server's queue before you queue it again")),
            Some(attempt) => {
                let _ = attempt.step(Step::Unknown { note: text }).await;
                let hint = say!("check the server's queue and its `output` folder");
                unknown.of_attempt(attempt.id()).with_hint(hint)
            }
        }))
    }

    /// Checks the workflow against the current classes.
    async fn refused(&self, error: runninghub_comfyui::Error, workflow: &Workflow) -> Error {
        let classes = &self.server.classes;
        if matches!(error.kind(), ComfyErrorKind::Rejected(_))
            && let Err(missing) = classes.renew(&self.server.client, workflow.graph()).await
            && missing.kind() == ErrorKind::Refused
        {
            return missing;
        }
        let mut error = Error::comfy(say!("the prompt was not queued"), error);
        let hint = refusal::advise(classes, error.node_errors_mut());
        error.hinted(hint)
    }

    /// Finds a prompt whose response was lost: by its requested id, or else by its client.
    async fn look_for(&self, id: &str, client_id: &ClientId) -> Option<PromptId> {
        let client = &self.server.client;
        for _ in 0..LOOKS {
            if let Ok(queue) = client.queue().await {
                let all = queue.running.iter().chain(&queue.pending);
                let is_ours = |one: &&Queued| one.client_id.as_ref() == Some(client_id);
                let is_known = |one: &&Queued| is_ours(one) && is_task_id(one.prompt_id.as_str());
                if let Some(one) = all.into_iter().find(is_known) {
                    return Some(one.prompt_id.clone());
                }
            }
            if let Ok(Some(_)) = client.history(id).await {
                return Some(id.into());
            }
            sleep(PAUSE).await;
        }
        None
    }
}
