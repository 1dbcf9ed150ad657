//! The request that costs money: recorded, sent once, with three possible outcomes.

use std::{iter, time::Duration};

use runninghub_api::{Class, Code, CreateOutcome, CreateTask, CreatedTask, Retry, RunOptions};
use runninghub_core::{Sentence, say};
use runninghub_ledger::{Digest, Secret, Step};
use runninghub_net::{is_not_listening, start_pauses};
use tokio::time::sleep;

use super::{Ready, secret, wait::SlotWait};
use crate::{
    Error, ErrorKind, Run, Submit,
    attempts::{self, Attempt, Subject, note},
    hub::Hub,
    launch::{Known, Launch, refused_nodes},
    sentence_of,
};

/// Minimum wait before a create that was refused for lack of a slot is sent again, unless the server demands more.
const CAPACITY_WAIT: Duration = Duration::from_secs(5);

/// Retries of a create whose key was not accepted: valid keys have been refused once. The first retry sends the key
/// in its other location, later ones as before.
const KEY_TRIES: u32 = 2;
const KEY_WAIT: Duration = Duration::from_millis(500);

/// A create that is about to be sent.
struct CreateOnce<'a> {
    hub: &'a Hub,
    submit: &'a Submit,
    subject: &'a Subject,
    /// Digest of the body without the key, and without this submit's own secret.
    body: Digest,
    secret: Option<&'a Secret>,
}

/// A task that was paid for.
pub(super) struct AcceptedTask {
    pub(super) created: CreatedTask,
    pub(super) attempt: Option<Attempt>,
    /// The id could not be recorded: the caller has to keep it.
    pub(super) unwritten: Option<Error>,
}

/// Creates the task, exactly once.
pub(super) async fn pay(hub: &Hub, submit: &Submit, ready: &Ready) -> Result<AcceptedTask, Error> {
    let options = &submit.options;
    let secret = secret::draw(hub, options.webhook_url.as_deref())?;
    keep_from_recording(hub, options);
    let request = ready.request.clone().options(options.clone());
    let create = CreateOnce {
        hub,
        submit,
        subject: &ready.subject,
        // Without the secret, so that the same request always has the same digest.
        body: Digest::of(ready.subject.text(&request)?),
        secret: secret.as_ref(),
    };
    let mut options = options.clone();
    if let (Some(secret), Some(url)) = (&secret, &mut options.webhook_url) {
        *url = secret::fill(url, secret);
    }
    create.make(request.options(options)).await
}

/// Redacts the submit's secrets from recordings, since a response may repeat them.
fn keep_from_recording(hub: &Hub, options: &RunOptions) {
    let Some(recorder) = &hub.recorder else { return };
    if let Some(url) = &options.webhook_url {
        recorder.address(url);
    }
    if let Some(password) = &options.access_password {
        recorder.secret(password);
    }
}

impl AcceptedTask {
    /// Starts following. Without a graph, the run reports which nodes run, but not how much is left.
    pub(super) fn begin(self, hub: &Hub, submit: &Submit, ready: Ready) -> Run {
        let Self { created, attempt, unwritten } = self;
        let unwritten = unwritten.map(|error| attempts::unwritten(&created.task_id, &error));
        let first = unwritten.into_iter().chain(refused_nodes(&created.tips.node_errors)).collect();
        let workflow = ready.subject.workflow;
        let instance = submit.options.instance_type.unwrap_or_default().as_str();
        let lesson = hub.lesson(workflow.as_ref(), instance).filter(|_| ready.graph.is_some());
        let outputs = created.tips.outputs_to_execute.unwrap_or_default();
        let known = Known { priors: &hub.priors, lesson: lesson.as_ref(), learned: &submit.learned };
        let plan = ready.graph.map(|graph| known.plan(&graph, &outputs));
        Launch {
            workflow,
            plan,
            names: ready.names,
            socket: created.socket,
            first,
            attempt,
            accepted: Some(Duration::ZERO),
            first_contact: None,
            lesson,
            ..hub.launch(created.task_id, ready.family)
        }
        .run()
    }
}

impl CreateOnce<'_> {
    /// Sends the request until it is accepted, finally refused, or of unknown outcome. Only a refusal for lack of a
    /// slot is retried, and a few times one of the key.
    async fn make(self, request: CreateTask) -> Result<AcceptedTask, Error> {
        let shared = &self.hub.queue;
        shared.check()?;
        let mut wait = SlotWait::new(self.hub, self.submit);
        let secret = self.secret.map(Secret::digest);
        let attempt =
            wait.enter(|attempts| attempts.intent(self.subject, self.body, secret, self.submit)).await?;
        let (mut key_tries, mut starts) = (KEY_TRIES, start_pauses());
        loop {
            let error = match request.clone().await {
                Ok(created) => {
                    shared.open();
                    let task = created.task_id.clone();
                    let unwritten = note(attempt.as_ref(), Step::Accepted { task }).await.err();
                    let attempt = attempt.map(|attempt| attempt.in_slot(wait.slot()));
                    return Ok(AcceptedTask { created, attempt, unwritten });
                }
                Err(error) => error,
            };
            if error.create_outcome() != Some(CreateOutcome::Refused) {
                return Err(self.unknown(attempt.as_ref(), error).await);
            }
            shared.learn(&error, self.hub.time_scale);
            let reason = sentence_of(&error).to_string();
            let not_created = |error| Error::api(say!("the task was not created"), error);
            let (is_sent_again, error) = if key_tries > 0 && is_wrong_key(&error) {
                key_tries -= 1;
                note(attempt.as_ref(), Step::Waiting { note: reason }).await?;
                sleep(KEY_WAIT.mul_f64(self.hub.time_scale)).await;
                let error = not_created(error);
                (wait.repeat(attempt.as_ref(), &error).await?, error)
            } else if is_not_listening(&error)
                && let Some(pause) = starts.next()
            {
                // Nothing was sent to a server that doesn't listen; it may be starting.
                note(attempt.as_ref(), Step::Waiting { note: reason }).await?;
                let (error, pause) = (not_created(error), pause.mul_f64(self.hub.time_scale));
                (wait.again(attempt.as_ref(), pause, false, &error).await?, error)
            } else if matches!(error.class(), Class::Capacity | Class::Rate) {
                let (pause, is_full) = (self.pause(&error), error.code().is_some_and(Code::is_full));
                if is_full {
                    wait.full(pause).await;
                }
                note(attempt.as_ref(), Step::Waiting { note: reason }).await?;
                let error = Error::api(say!("the task was not created: no slot is free"), error);
                (wait.again(attempt.as_ref(), pause, is_full, &error).await?, error)
            } else {
                let is_of_key = error.refuses_key() || matches!(error.class(), Class::Auth | Class::Quota);
                let step = match &self.submit.item {
                    // The row is ready again: nothing is wrong with it.
                    Some(_) if is_of_key || is_not_listening(&error) => Step::Absent { note: reason },
                    _ => Step::Refused { note: reason },
                };
                // It is refused, whether or not that could be recorded.
                let _ = note(attempt.as_ref(), step).await;
                return Err(not_created(error));
            };
            if !is_sent_again {
                return Err(given_up(attempt.as_ref(), wait.given_up(error)).await);
            }
        }
    }

    /// Up to twice the requested wait, so that many clients do not retry in step.
    fn pause(&self, error: &runninghub_api::Error) -> Duration {
        let least = match error.retry() {
            Retry::Safe { after } => after.unwrap_or(CAPACITY_WAIT),
            _ => CAPACITY_WAIT,
        };
        least.mul_f64((1.0 + fastrand::f64()) * self.hub.time_scale)
    }

    async fn unknown(&self, attempt: Option<&Attempt>, source: runninghub_api::Error) -> Error {
        let evidence = match &self.hub.attempts {
            Some(attempts) => attempts.evidence(&self.hub.client).await,
            None => None,
        };
        let named = source.task().map(|task| say!("the response names task {task}", task));
        let facts: Vec<Sentence> = named.into_iter().chain(evidence).collect();
        let with_facts = |first: Sentence| Sentence::list(iter::once(first).chain(facts.iter().cloned()));
        let note = with_facts(sentence_of(&source)).to_string();
        let what =
            say!("it is unknown whether the task was created: it may be running, and it may be charged");
        let error = Error::new(ErrorKind::SubmitUnknown, with_facts(what)).with_source(source);
        let Some(attempt) = attempt else {
            return error
                .with_hint(say!("check the task list on the RunningHub website before you submit again"));
        };
        // If this fails, the entry stays `submitting`, which counts as unknown as soon as this process has ended.
        let _ = attempt.step(Step::Unknown { note }).await;
        error.of_attempt(attempt.id())
    }
}

/// The platform checked only the key, so no task was created.
fn is_wrong_key(error: &runninghub_api::Error) -> bool {
    matches!(error.kind(), runninghub_api::ErrorKind::Api { status: 401, code, .. } if code.as_str() == "-1")
}

/// Nothing was created, whether or not that can be recorded. A withdrawn submit can be submitted again.
async fn given_up(attempt: Option<&Attempt>, error: Error) -> Error {
    let step = match error.kind() {
        ErrorKind::Withdrawn => Step::Absent { note: "withdrawn: no slot was free yet".to_owned() },
        _ => Step::Refused { note: "gave up: no slot became free".to_owned() },
    };
    let _ = note(attempt, step).await;
    error
}
