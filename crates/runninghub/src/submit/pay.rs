//! The part that costs money: written down, sent once, and told apart by its three outcomes.

use std::{sync::Arc, time::Duration};

use runninghub_api::{Class, CreateOutcome, Created, Retry};
use runninghub_core::{Event, Plan, Untrusted, WorkflowId};
use runninghub_ledger::{Digest, Secret, Step};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::{
    gate::Place,
    step::{OnStep, SubmitStep},
};
use crate::{
    Error, ErrorKind, Run,
    book::{self, Page, What, note},
    follow::Start,
    history::Lesson,
    hub::Hub,
    platform::Family,
};

/// Shortest wait before a create that was refused for lack of a free slot is sent again, where nobody says more.
const CAPACITY_WAIT: Duration = Duration::from_secs(5);

/// How often a create is sent again whose key was not accepted: good keys have been seen to be refused once. The first time
/// the key goes out in its other place, then as before.
const KEY_TRIES: u32 = 2;
const KEY_WAIT: Duration = Duration::from_millis(500);

/// A create that is about to be paid for.
pub(super) struct Payment<'a> {
    pub(super) hub: &'a Hub,
    pub(super) what: What<'a>,
    /// Of the body without the key, and without this submit's own secret.
    pub(super) body: Digest,
    pub(super) secret: Option<&'a Secret>,
    pub(super) queue_timeout: Option<Duration>,
    pub(super) on_step: Option<&'a OnStep>,
}

/// A task that is paid for.
pub(super) struct Paid {
    pub(super) created: Created,
    pub(super) page: Option<Page>,
    /// The id could not be written down: whoever asked has to keep it.
    pub(super) unwritten: Option<Error>,
}

impl Paid {
    /// Begins to follow; without a plan only what runs is known, and not how much of it is left.
    pub(super) fn begin(
        self,
        hub: &Hub,
        workflow: Option<WorkflowId>,
        plan: Option<Plan>,
        family: Family,
        lesson: Option<Lesson>,
    ) -> Run {
        let Self { created, page, unwritten } = self;
        let unwritten = unwritten.map(|error| book::unwritten(&created.task_id, &error));
        let first = created.tips.node_errors.iter().map(|(node, errors)| {
            let errors: Vec<&str> = errors.iter().map(Untrusted::raw).collect();
            let message = format!("node {node} was refused and will not run: {}", errors.join("; "));
            Event::warning("node_error", message)
        });
        let start = Start {
            task: created.task_id,
            workflow,
            plan: plan.map(Arc::new),
            address: created.socket,
            first: unwritten.into_iter().chain(first).collect(),
            page,
            accepted: Some(Duration::ZERO),
            first_contact: None,
            family,
            lesson,
        };
        hub.run(start)
    }
}

impl Payment<'_> {
    /// Sends the request until it is accepted, refused for good, or of unknown outcome. Only a refusal for lack of a
    /// slot is sent again, and a few times one of the key.
    pub(super) async fn make<R>(self, request: impl Fn() -> R) -> Result<Paid, Error>
    where
        R: IntoFuture<Output = Result<Created, runninghub_api::Error>>,
    {
        let gate = &self.hub.gate;
        gate.check()?;
        let started = Instant::now();
        let limit = self.queue_timeout.and_then(|timeout| started.checked_add(timeout));
        let entered = async {
            let place = gate.enter().await;
            self.until_free().await;
            place
        };
        let mut place = within(limit, entered).await.ok_or_else(given_up)?;
        self.tell(SubmitStep::Sending);
        let page = match &self.hub.book {
            Some(book) => {
                Some(book.begin(self.what.clone(), self.body, self.secret.map(Secret::digest)).await?)
            }
            None => None,
        };
        let mut key_tries = KEY_TRIES;
        loop {
            let error = match request().await {
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
            let said = crate::chain(&error);
            if key_tries > 0 && is_wrong_key(&error) {
                key_tries -= 1;
                note(page.as_ref(), Step::Waiting { note: said }).await?;
                sleep(KEY_WAIT.mul_f64(self.hub.time_scale)).await;
                note(page.as_ref(), Step::Sending).await?;
                continue;
            }
            if !matches!(error.class(), Class::Capacity | Class::Rate) {
                // It is refused, whether that could be written down or not.
                let _ = note(page.as_ref(), Step::Refused { note: said }).await;
                return Err(Error::api("the task was not created", error));
            }
            note(page.as_ref(), Step::Waiting { note: said }).await?;
            let wait = self.wait(&error);
            let error = Error::api("the task was not created: no slot is free", error);
            let again = Instant::now() + wait;
            // A wait that leads beyond the limit is not begun.
            let in_time = limit.is_none_or(|limit| again <= limit);
            if in_time {
                self.tell(SubmitStep::Waiting { wait, error: &error });
            }
            let queued = async {
                let place = gate.queue_up(place).await;
                sleep_until(again).await;
                self.until_free().await;
                place
            };
            let next: Option<Place<'_>> = if in_time { within(limit, queued).await } else { None };
            let Some(next) = next else {
                // Nothing was created, whether that could be written down or not.
                let note_text = "given up: no slot was free".to_owned();
                let _ = note(page.as_ref(), Step::Refused { note: note_text }).await;
                return Err(error);
            };
            place = next;
            self.tell(SubmitStep::Sending);
            note(page.as_ref(), Step::Sending).await?;
        }
    }

    /// That it is sent is told before it is written down: from then on, who gives up leaves something behind.
    fn tell(&self, step: SubmitStep<'_>) {
        if let Some(on_step) = self.on_step {
            on_step(step);
        }
    }

    /// The server may have asked for a pause. It is made before the intent is written: who dies in it has sent nothing.
    async fn until_free(&self) {
        while let Some(wait) = self.hub.client.held() {
            sleep(wait).await;
        }
    }

    /// Up to twice what was asked for, so that many clients do not ask in step.
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
        let mut note = crate::chain(&source);
        let mut what =
            "nobody knows whether the task was created: it may run, and it may be charged".to_owned();
        let named = source.task().map(|task| format!("the answer names the task {task}"));
        for fact in named.into_iter().chain(evidence) {
            what = format!("{what}; {fact}");
            note = format!("{note}; {fact}");
        }
        let error = Error::new(ErrorKind::SubmitUnknown, what).with_source(source);
        let Some(page) = page else {
            return error.with_hint("look at the tasks on the RunningHub page before you submit it again");
        };
        // Not written it stays `submitting`, which becomes unknown as soon as this process is gone.
        let _ = page.step(Step::Unknown { note }).await;
        error.of_attempt(page.attempt())
    }
}

/// The platform has looked at the key and at nothing else, so no task was created.
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
    Error::new(ErrorKind::Refused, "the task was not created: others wait for a free slot, and none came")
        .with_hint("wait longer with `--queue-timeout`, or raise the number of slots")
}
