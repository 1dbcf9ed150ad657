//! The facade's view of the ledger: the attempts to submit with one key at one place, and its slots.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use runninghub_api::Client;
use runninghub_core::{End, Event, Kind, Phase, Place, Sentence, TaskId, WorkflowId, say};
use runninghub_ledger::{
    Ask, AttemptId, Claim, Digest, Entry, Filter, Intent, Ledger, Pool, SlotFor, Slots, State, Step, Ticket,
};
use runninghub_net::is_loopback;
use runninghub_transport::Redactor;
use tokio::time::timeout;
use url::Url;

use crate::{
    Error, ErrorKind, Recipe, Submit, Work,
    observed::{is_unknown, observed},
    sentence_of,
};

/// Evidence only justifies a short delay: the outcome is unknown either way.
const EVIDENCE: Duration = Duration::from_secs(5);

/// Tasks queried for evidence at most.
const MOST_ASKED: usize = 20;

/// The submits of one key at one place, and its slots, in a ledger.
#[derive(Clone)]
pub(crate) struct AttemptLog {
    ledger: Arc<dyn Ledger>,
    place: Place,
    /// The key's fingerprint.
    key: String,
    redactor: Arc<Redactor>,
}

/// One submit in the ledger.
#[derive(Clone)]
pub(crate) struct Attempt {
    ledger: Arc<dyn Ledger>,
    id: AttemptId,
    slot: Option<u32>,
    redactor: Arc<Redactor>,
}

/// The work, as the ledger stores it.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) kind: Kind,
    pub(crate) workflow: Option<WorkflowId>,
    /// The id of an app, or the endpoint of a model.
    pub(crate) target: Option<String>,
    /// Its settings, as JSON.
    pub(crate) recipe: Option<Box<str>>,
}

impl Subject {
    pub(crate) fn named(kind: Kind, target: &str) -> Self {
        Self { kind, workflow: None, target: Some(target.to_owned()), recipe: None }
    }

    pub(crate) fn workflow(kind: Kind, workflow: Option<WorkflowId>) -> Self {
        Self { kind, workflow, target: None, recipe: None }
    }
}

/// Records a step, if there is a ledger entry.
pub(crate) async fn note(attempt: Option<&Attempt>, step: Step) -> Result<(), Error> {
    match attempt {
        Some(attempt) => attempt.step(step).await,
        None => Ok(()),
    }
}

fn not_written(error: runninghub_ledger::Error) -> Error {
    Error::ledger(say!("the submit cannot be recorded in the ledger, so nothing was sent"), error)
}

/// The id of a task could not be recorded: the caller has to keep it.
pub(crate) fn unwritten(task: &TaskId, error: &Error) -> Event {
    let message = say!("note down the task id {task}: {why}", task, why = sentence_of(error));
    Event::warning("not_written", message)
}

/// How long ago the task of a submit was accepted, by this machine's clock; `None` if it is known to be over.
pub(crate) fn accepted_ago(entry: &Entry) -> Option<Duration> {
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(entry.changed_ms);
    // A clock that was set back makes the task look young, which costs a few extra polls.
    (entry.state == State::Accepted).then(|| at.elapsed().unwrap_or_default())
}

impl AttemptLog {
    pub(crate) fn new(ledger: Arc<dyn Ledger>, place: Place, key: &str) -> Self {
        let redactor = Arc::new(Redactor::new().secret(key));
        let key = ledger.salt().fingerprint(key);
        Self { ledger, place, key, redactor }
    }

    /// The submit of this work.
    pub(crate) fn intent(
        &self,
        subject: &Subject,
        body: Digest,
        secret: Option<Digest>,
        submit: &Submit,
    ) -> Intent {
        let mut intent = Intent::new(self.place.clone(), subject.kind.clone(), &self.key, body);
        intent.workflow.clone_from(&subject.workflow);
        intent.target.clone_from(&subject.target);
        intent.secret = secret;
        intent.item = submit.item.as_ref().map(|item| Box::new(item.item.clone()));
        intent.label.clone_from(&submit.label);
        intent.recipe.clone_from(&subject.recipe);
        intent.once = submit.once.clone().map(Box::new);
        intent
    }

    /// The settings of a submit in the ledger's format. Stores its graph, if it has one.
    pub(crate) async fn recipe(&self, submit: &Submit) -> Box<str> {
        if let Work::Graph(json) = &submit.work
            && !submit.is_private
            && let Err(error) = self.ledger.keep_graph(json).await
        {
            // The run itself doesn't need it.
            tracing::warn!(%error, "the graph is not kept");
        }
        let json = Recipe::of(submit).await.json();
        self.redactor.redact(&json).into()
    }

    /// Records that a create is about to be sent.
    pub(crate) async fn begin(&self, intent: Intent) -> Result<Attempt, Error> {
        let id = self.ledger.begin(intent).await.map_err(not_written)?;
        Ok(self.attempt(&id))
    }

    /// The slots of this key.
    pub(crate) fn pool(&self) -> Pool {
        Pool::new(self.place.url(), &*self.key)
    }

    /// The slots of this key and their queue, if the ledger keeps them.
    pub(crate) async fn slots(&self, ticket: Option<Ticket>) -> Result<Option<Slots>, Error> {
        let slots = self.ledger.slots(&self.pool(), ticket).await;
        slots.map_err(|error| Error::ledger(say!("the ledger cannot be read"), error))
    }

    /// Requests a slot.
    pub(crate) async fn claim(&self, ask: Ask, slot_for: SlotFor) -> Result<Claim, Error> {
        self.ledger.claim(&self.pool(), ask, slot_for).await.map_err(not_written)
    }

    pub(crate) fn ledger(&self) -> &dyn Ledger {
        &*self.ledger
    }

    /// Whether a submit was made with this key at this URL.
    #[cfg(feature = "webhook")]
    pub(crate) fn is_ours(&self, entry: &Entry) -> bool {
        self.is_here(entry) && entry.intent.key == self.key
    }

    /// Whether a submit was made at this URL.
    fn is_here(&self, entry: &Entry) -> bool {
        let (theirs, ours) = (entry.intent.place.url(), self.place.url());
        theirs == ours || one_spelling(theirs) == one_spelling(ours)
    }

    pub(crate) fn attempt(&self, id: &AttemptId) -> Attempt {
        Attempt {
            ledger: Arc::clone(&self.ledger),
            id: id.clone(),
            slot: None,
            redactor: Arc::clone(&self.redactor),
        }
    }

    /// The submit of a task, if it is in the ledger.
    pub(crate) async fn find(&self, task: &TaskId) -> Result<Option<(Entry, Attempt)>, Error> {
        let found = self.ledger.entries(Filter::all().task(task)).await;
        let entries = found.map_err(|error| Error::ledger(say!("the ledger cannot be read"), error))?;
        let here = entries.into_iter().find(|entry| self.is_here(entry));
        Ok(here.map(|entry| {
            let attempt = self.attempt(&entry.attempt);
            (entry, attempt)
        }))
    }

    /// The submit that holds an idempotency key, at whatever place.
    pub(crate) async fn holder(&self, key: &str) -> Result<Option<Entry>, Error> {
        let found = self.ledger.entries(Filter::all().once(key)).await;
        let entries = found.map_err(|error| Error::ledger(say!("the ledger cannot be read"), error))?;
        Ok(entries.into_iter().find(|entry| entry.state.holds_key()))
    }

    /// Whether an unrecorded task may be running: compares the platform's count for the key with the ledger.
    pub(crate) async fn evidence(&self, client: &Client) -> Option<Sentence> {
        let status = timeout(EVIDENCE, client.queue_status()).await.ok()?.ok()?;
        let parts = status.running_count.zip(status.queued_count).map(|(running, queued)| running + queued);
        let running = status.total_current_tasks.or(parts)?;
        let known = timeout(EVIDENCE, self.unfinished(client)).await.ok()??;
        Some(if running > known {
            say!(
                "the account has {running} unfinished, but this machine knows of {known}: one more was probably created",
                running,
                known
            )
        } else {
            say!(
                "the account has {running} unfinished, and this machine knows of {known}: it was probably not created or has already ended",
                running,
                known
            )
        })
    }

    /// How many of the ledger's tasks are not over; `None` if unknown. Most of the open ones in the ledger ended
    /// unwatched, so each is polled.
    async fn unfinished(&self, client: &Client) -> Option<u64> {
        let open = self.ledger.entries(Filter::all().key(&self.key).open()).await.ok()?;
        let made_here = |entry: &&Entry| entry.state == State::Accepted && self.is_here(entry);
        let tasks: Vec<_> = open.iter().filter(made_here).filter_map(|entry| entry.task.as_ref()).collect();
        if tasks.len() > MOST_ASKED {
            return None;
        }
        let mut unfinished = 0;
        for task in tasks {
            match observed(client, task).await {
                Ok(seen) => unfinished += u64::from(!seen.status.is_over()),
                Err(error) if is_unknown(&error) => {}
                Err(_) => return None,
            }
        }
        Some(unfinished)
    }
}

/// Normalizes a URL: `localhost`, `127.0.0.1` and `[::1]` are all this machine. `None` if it is not a URL.
fn one_spelling(address: &str) -> Option<String> {
    let mut url = Url::parse(address).ok()?;
    if is_loopback(url.host_str()?) {
        url.set_host(Some("localhost")).ok()?;
    }
    Some(url.as_str().trim_end_matches('/').to_owned())
}

impl Attempt {
    /// The same, in a slot of the key.
    pub(crate) fn in_slot(self, slot: Option<u32>) -> Self {
        Self { slot, ..self }
    }

    /// Its slot, if the ledger gave it one.
    pub(crate) fn slot(&self) -> Option<u32> {
        self.slot
    }

    pub(crate) fn id(&self) -> &AttemptId {
        &self.id
    }

    pub(crate) async fn step(&self, step: Step) -> Result<(), Error> {
        // A note quotes the server's text, which may contain the key in any form.
        let step = step.map_note(|note| self.redactor.redact(note).into_owned());
        self.ledger
            .advance(&self.id, step)
            .await
            .map(drop)
            .map_err(|error| Error::ledger(say!("the ledger cannot be written"), error))
    }

    pub(crate) async fn accepted(&self, task: &TaskId) -> Result<(), Error> {
        self.step(Step::Accepted { task: task.clone() }).await
    }

    /// Records how the task ended. Records the id first, since that may have failed earlier.
    pub(crate) async fn end(&self, task: &TaskId, end: &End) -> Result<(), Error> {
        let cost = end.cost.clone();
        let step = match end.phase {
            Phase::Success => Step::Done { cost },
            Phase::Failed => Step::Failed {
                cost,
                note: end
                    .failure
                    .as_ref()
                    .and_then(|failure| failure.message.as_ref())
                    .map(ToString::to_string),
            },
            Phase::Interrupted => Step::Cancelled { cost },
            _ => return Ok(()),
        };
        self.accepted(task).await?;
        match self.step(step).await {
            // Another process has already recorded an end, perhaps a different one. The first one stays.
            Err(error) if error.kind() == ErrorKind::Usage => Ok(()),
            other => other,
        }
    }

    /// Records that the task is about to be cancelled, or that the cancel request was refused.
    pub(crate) async fn cancelling(&self, is_cancelling: bool) -> Result<(), Error> {
        self.ledger
            .cancelling(&self.id, is_cancelling)
            .await
            .map_err(|error| Error::ledger(say!("the ledger cannot be written"), error))
    }

    /// Records the folder that holds all results.
    pub(crate) async fn saved(&self, folder: &str) -> Result<(), Error> {
        self.ledger
            .saved(&self.id, folder)
            .await
            .map_err(|error| Error::ledger(say!("the ledger cannot be written"), error))
    }
}

impl fmt::Debug for AttemptLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttemptLog").field("place", &self.place).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_urls_are_recognized_in_all_spellings() {
        let same = |one, other| one_spelling(one).is_some() && one_spelling(one) == one_spelling(other);
        for other in
            ["http://localhost:8188", "http://LOCALHOST:8188/", "http://[::1]:8188", "http://127.0.0.2:8188"]
        {
            assert!(same("http://127.0.0.1:8188", other), "{other}");
        }
        assert!(same("https://H.example:443/proxy/", "https://h.example/proxy"));
        for other in
            ["http://localhost:8189", "https://localhost:8188", "http://10.0.0.1:8188", "localhost:8188", ""]
        {
            assert!(!same("http://127.0.0.1:8188", other), "{other}");
        }
    }
}
