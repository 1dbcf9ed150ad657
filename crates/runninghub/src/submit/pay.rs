//! The request that costs money: recorded, sent once, with three possible outcomes.

use std::{iter, time::Duration};

use runninghub_api::{Class, Create, CreateOutcome, Created, Retry, RunOptions};
use runninghub_core::{Event, Sentence, Untrusted, say};
use runninghub_ledger::{Digest, Secret, Step};
use tokio::time::{Instant, sleep, timeout_at};

use super::{Ready, gate::Place, secret, step::SubmitStep};
use crate::{
    Error, ErrorKind, Run, Submit,
    book::{self, Page, What, note},
    hub::Hub,
    launch::{Known, Launch},
    sentence_of,
};

/// Minimum wait before a create that was refused for lack of a slot is sent again, unless the server asks for more.
const CAPACITY_WAIT: Duration = Duration::from_secs(5);

/// Retries of a create whose key was not accepted: valid keys have been refused once. The first retry sends the key
/// in its other location, later ones as before.
const KEY_TRIES: u32 = 2;
const KEY_WAIT: Duration = Duration::from_millis(500);

/// A create that is about to be sent.
struct Payment<'a> {
    hub: &'a Hub,
    submit: &'a Submit,
    what: &'a What,
    /// Digest of the body without the key, and without this submit's own secret.
    body: Digest,
    secret: Option<&'a Secret>,
}

/// A task that was paid for.
pub(super) struct Paid {
    pub(super) created: Created,
    pub(super) page: Option<Page>,
    /// The id could not be recorded: the caller has to keep it.
    pub(super) unwritten: Option<Error>,
}

/// Creates the task, exactly once.
pub(super) async fn pay(hub: &Hub, submit: &Submit, ready: &Ready) -> Result<Paid, Error> {
    let options = &submit.options;
    let secret = secret::draw(hub, options.webhook_url.as_deref())?;
    keep_from_recording(hub, options);
    let request = ready.request.clone().options(options.clone());
    let payment = Payment {
        hub,
        submit,
        what: &ready.what,
        // Without the secret, so that the same request always has the same digest.
        body: Digest::of(ready.what.text(&request)?),
        secret: secret.as_ref(),
    };
    let mut options = options.clone();
    if let (Some(secret), Some(url)) = (&secret, &mut options.webhook_url) {
        *url = secret::fill(url, secret);
    }
    payment.make(request.options(options)).await
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

impl Paid {
    /// Starts following. Without a graph, the run reports which nodes run, but not how much is left.
    pub(super) fn begin(self, hub: &Hub, submit: &Submit, ready: Ready) -> Run {
        let Self { created, page, unwritten } = self;
        let unwritten = unwritten.map(|error| book::unwritten(&created.task_id, &error));
        let refused = created.tips.node_errors.iter().map(|(node, errors)| {
            let errors: Vec<&str> = errors.iter().map(Untrusted::raw).collect();
            let why = errors.join("; ");
            Event::warning(
                "node_error",
                say!("the server rejected node {node}, which will not run: {why}", node, why),
            )
        });
        let first = unwritten.into_iter().chain(refused).collect();
        let workflow = ready.what.workflow;
        let instance = submit.options.instance_type.unwrap_or_default().as_str();
        let lesson = hub.lesson(workflow.as_ref(), instance).filter(|_| ready.graph.is_some());
        let outputs = created.tips.outputs_to_execute.unwrap_or_default();
        let known = Known { priors: &hub.priors, lesson: lesson.as_ref(), learned: &submit.learned };
        let plan = ready.graph.map(|graph| known.plan(&graph, &outputs));
        Launch {
            workflow,
            plan,
            socket: created.socket,
            first,
            page,
            accepted: Some(Duration::ZERO),
            first_contact: None,
            lesson,
            ..hub.launch(created.task_id, ready.family)
        }
        .run()
    }
}

impl Payment<'_> {
    /// Sends the request until it is accepted, finally refused, or of unknown outcome. Only a refusal for lack of a
    /// slot is retried, and a few times one of the key.
    async fn make(self, request: Create) -> Result<Paid, Error> {
        let gate = &self.hub.gate;
        gate.check()?;
        let started = Instant::now();
        let limit = self.submit.queue_timeout.and_then(|timeout| started.checked_add(timeout));
        let entered = async {
            let place = gate.enter().await;
            self.until_free().await;
            place
        };
        let mut place = within(limit, entered).await.ok_or_else(given_up)?;
        self.tell(SubmitStep::Sending);
        let page = match &self.hub.book {
            Some(book) => Some(book.begin(self.what, self.body, self.secret.map(Secret::digest)).await?),
            None => None,
        };
        let mut key_tries = KEY_TRIES;
        loop {
            let error = match request.clone().await {
                Ok(created) => {
                    gate.open();
                    let task = created.task_id.clone();
                    let unwritten = note(page.as_ref(), Step::Accepted { task }).await.err();
                    return Ok(Paid { created, page, unwritten });
                }
                Err(error) => error,
            };
            if error.create_outcome() != Some(CreateOutcome::Refused) {
                return Err(self.unknown(page.as_ref(), error).await);
            }
            gate.learn(&error, self.hub.time_scale);
            let said = sentence_of(&error).to_string();
            if key_tries > 0 && is_wrong_key(&error) {
                key_tries -= 1;
                note(page.as_ref(), Step::Waiting { note: said }).await?;
                sleep(KEY_WAIT.mul_f64(self.hub.time_scale)).await;
                note(page.as_ref(), Step::Sending).await?;
                continue;
            }
            if !matches!(error.class(), Class::Capacity | Class::Rate) {
                // It is refused, whether or not that could be recorded.
                let _ = note(page.as_ref(), Step::Refused { note: said }).await;
                return Err(Error::api(say!("the task was not created"), error));
            }
            note(page.as_ref(), Step::Waiting { note: said }).await?;
            let wait = self.wait(&error);
            let error = Error::api(say!("the task was not created: no slot is free"), error);
            let again = Instant::now() + wait;
            // A wait beyond the limit is not started.
            let in_time = limit.is_none_or(|limit| again <= limit);
            if in_time {
                self.tell(SubmitStep::Waiting { wait, error: &error });
            }
            let queued = async {
                let place = gate.queue_up(place).await;
                gate.until_freed(again).await;
                self.until_free().await;
                place
            };
            let next: Option<Place<'_>> = if in_time { within(limit, queued).await } else { None };
            let Some(next) = next else {
                // Nothing was created, whether or not that could be recorded.
                let note_text = "gave up: no slot became free".to_owned();
                let _ = note(page.as_ref(), Step::Refused { note: note_text }).await;
                return Err(error);
            };
            place = next;
            self.tell(SubmitStep::Sending);
            note(page.as_ref(), Step::Sending).await?;
        }
    }

    /// Reports a step. `Sending` is reported before it is recorded: from then on, a dropped submit leaves a ledger
    /// entry.
    fn tell(&self, step: SubmitStep<'_>) {
        if let Some(on_step) = &self.submit.on_step {
            on_step(step);
        }
    }

    /// Waits for a pause that the server may have imposed, before the intent is recorded: a process that dies here
    /// has sent nothing.
    async fn until_free(&self) {
        while let Some(wait) = self.hub.client.held() {
            sleep(wait).await;
        }
    }

    /// Up to twice the requested wait, so that many clients do not retry in step.
    fn wait(&self, error: &runninghub_api::Error) -> Duration {
        let least = match error.retry() {
            Retry::Safe { after } => after.unwrap_or(CAPACITY_WAIT),
            _ => CAPACITY_WAIT,
        };
        least.mul_f64((1.0 + fastrand::f64()) * self.hub.time_scale)
    }

    async fn unknown(&self, page: Option<&Page>, source: runninghub_api::Error) -> Error {
        let evidence = match &self.hub.book {
            Some(book) => book.evidence(&self.hub.client).await,
            None => None,
        };
        let named = source.task().map(|task| say!("the response names task {task}", task));
        let facts: Vec<Sentence> = named.into_iter().chain(evidence).collect();
        let with_facts = |first: Sentence| Sentence::list(iter::once(first).chain(facts.iter().cloned()));
        let note = with_facts(sentence_of(&source)).to_string();
        let what =
            say!("it is unknown whether the task was created: it may be running, and it may be charged");
        let error = Error::new(ErrorKind::SubmitUnknown, with_facts(what)).with_source(source);
        let Some(page) = page else {
            return error
                .with_hint(say!("check the task list on the RunningHub website before you submit again"));
        };
        // If this fails, the entry stays `submitting`, which counts as unknown as soon as this process has ended.
        let _ = page.step(Step::Unknown { note }).await;
        error.of_attempt(page.attempt())
    }
}

/// The platform checked only the key, so no task was created.
fn is_wrong_key(error: &runninghub_api::Error) -> bool {
    matches!(error.kind(), runninghub_api::ErrorKind::Api { status: 401, code, .. } if code.as_str() == "-1")
}

async fn within<T>(limit: Option<Instant>, future: impl Future<Output = T>) -> Option<T> {
    match limit {
        Some(limit) => timeout_at(limit, future).await.ok(),
        None => Some(future.await),
    }
}

fn given_up() -> Error {
    Error::new(
        ErrorKind::Refused,
        say!("the task was not created: no slot became free, and others are waiting too"),
    )
    .with_hint(say!("allow more time for a slot, or get more slots"))
}
