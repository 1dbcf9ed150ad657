//! The entries of the ledger.

use std::fmt;

use runninghub_core::{Cost, Fact, Kind, Place, TaskId, WorkflowId};

use crate::{Digest, Error, ItemRef, State, Step, digest::random};

/// Letters and digits that are hard to confuse.
const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
/// The number of [`LETTERS`] that can start a name: no digits, so that a name never looks like a task id.
const FIRST: usize = 16;
/// About 10^11 names: collisions on one machine are unlikely, and the store rejects a duplicate.
const LENGTH: usize = 8;

/// The name of one submit, assigned by this machine before anything is sent: a letter, then seven letters or digits.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AttemptId(String);

impl AttemptId {
    /// Creates a random name.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store) if the system provides no random numbers.
    pub fn random() -> Result<Self, Error> {
        let letter = |(at, byte)| {
            let choice = if at == 0 { FIRST } else { LETTERS.len() };
            LETTERS.get(usize::from(byte) % choice).copied().map(char::from)
        };
        random::<LENGTH>()
            .map(|bytes: [u8; LENGTH]| Self(bytes.into_iter().enumerate().filter_map(letter).collect()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for AttemptId {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<&AttemptId> for Fact {
    fn from(id: &AttemptId) -> Self {
        Self::from(id.as_str())
    }
}

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A create that is about to be sent.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Intent {
    /// The place it is sent to.
    pub place: Place,
    /// The key's fingerprint, by [`Salt::fingerprint`](crate::Salt::fingerprint).
    pub key: String,
    /// The kind of task.
    pub kind: Kind,
    /// The workflow's id, if it has one.
    pub workflow: Option<WorkflowId>,
    /// Another target: the id of an app, or the endpoint of a model.
    pub target: Option<String>,
    /// The digest of the request's body without the key.
    pub body: Digest,
    /// The digest of the secret in the webhook's URL, if there is one.
    pub secret: Option<Digest>,
    /// The item of a batch that it runs. Boxed, because most submits have none.
    pub item: Option<Box<ItemRef>>,
    /// The user's label.
    pub label: Option<String>,
    /// Its settings, as JSON that the ledger doesn't parse.
    pub recipe: Option<Box<str>>,
    /// The key that no second submit may have.
    pub once: Option<Box<Once>>,
}

/// An idempotency key: of all submits with the same key, at most one creates a task. A submit that created nothing frees
/// its key ([`State::holds_key`]).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Once {
    /// The key, as the user chose it.
    pub key: String,
    /// The digest of what is submitted, to recognize a key that is used for something else.
    pub sha256: Digest,
}

impl Once {
    /// A key for a submit with this digest.
    pub fn new(key: impl Into<String>, sha256: Digest) -> Self {
        Self { key: key.into(), sha256 }
    }
}

impl Intent {
    /// The intent to run a task at a place. `key` is a [fingerprint](crate::Salt::fingerprint), `body` the digest of
    /// the request without the key.
    pub fn new(place: Place, kind: Kind, key: impl Into<String>, body: Digest) -> Self {
        Self {
            place,
            key: key.into(),
            kind,
            workflow: None,
            target: None,
            body,
            secret: None,
            item: None,
            label: None,
            recipe: None,
            once: None,
        }
    }

    /// Sets the workflow.
    #[must_use]
    pub fn workflow(mut self, id: impl Into<WorkflowId>) -> Self {
        self.workflow = Some(id.into());
        self
    }

    /// Sets the app or the model.
    #[must_use]
    pub fn target(mut self, target: impl Into<String>) -> Self {
        self.target = Some(target.into());
        self
    }

    /// Sets the digest of the secret in the webhook's URL.
    #[must_use]
    pub fn secret(mut self, secret: Digest) -> Self {
        self.secret = Some(secret);
        self
    }

    /// Sets the user's label.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Sets its settings, as JSON.
    #[must_use]
    pub fn recipe(mut self, json: impl Into<Box<str>>) -> Self {
        self.recipe = Some(json.into());
        self
    }

    /// Sets the key that no second submit may have.
    #[must_use]
    pub fn once(mut self, once: Once) -> Self {
        self.once = Some(once.into());
        self
    }

    /// Whether it runs this workflow, app or model.
    fn runs(&self, kind: &Kind, id: &str) -> bool {
        let workflow = self.workflow.as_ref().map(AsRef::as_ref);
        self.kind == *kind && workflow.or(self.target.as_deref()) == Some(id)
    }

    /// Sets the item of a batch that it runs.
    #[must_use]
    pub fn item(mut self, item: ItemRef) -> Self {
        self.item = Some(item.into());
        self
    }
}

/// A submit with its outcome.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Entry {
    /// The submit's name.
    pub attempt: AttemptId,
    /// Its current state.
    pub state: State,
    /// The intent that was sent.
    pub intent: Intent,
    /// When the intent was written: milliseconds since 1970 by this machine's clock.
    pub created_ms: u64,
    /// When the entry last changed, by the same clock.
    pub changed_ms: u64,
    /// Details about the state.
    pub note: Option<String>,
    /// The task, once it exists.
    pub task: Option<TaskId>,
    /// The task's cost.
    pub cost: Option<Cost>,
    /// The folder that contains all saved results.
    pub saved: Option<String>,
    /// Whether this machine has requested the task's cancellation.
    pub cancelling: bool,
}

impl Entry {
    /// A new submit whose intent was written at this time, in milliseconds since 1970.
    pub fn new(attempt: AttemptId, intent: Intent, now_ms: u64) -> Self {
        Self {
            attempt,
            state: State::Submitting,
            intent,
            created_ms: now_ms,
            changed_ms: now_ms,
            note: None,
            task: None,
            cost: None,
            saved: None,
            cancelling: false,
        }
    }

    /// Takes a step at this time, in milliseconds since 1970. Returns `false` if the step was already taken; then
    /// nothing has changed.
    ///
    /// The ledger must check that no other submit has the task.
    ///
    /// # Errors
    /// As [`Step::applies`]; then nothing has changed.
    pub fn advance(&mut self, step: Step, now_ms: u64) -> Result<bool, Error> {
        if !step.applies(self.state, self.task.as_ref())? {
            return Ok(false);
        }
        self.state = step.state();
        self.changed_ms = now_ms;
        self.note = step.note().map(str::to_owned);
        self.cost = step.cost().cloned();
        if let Step::Accepted { task } = step {
            self.task = Some(task);
        }
        Ok(true)
    }

    /// Whether it was made with this idempotency key.
    fn has_once(&self, key: &str) -> bool {
        self.intent.once.as_ref().is_some_and(|once| once.key == key)
    }

    /// Whether a submit with this intent may not begin, because this one holds its idempotency key. An entry of a dead
    /// process counts as [left behind](Entry::left_behind).
    pub fn holds_key_of(&self, intent: &Intent) -> bool {
        intent.once.as_ref().is_some_and(|once| self.has_once(&once.key)) && self.state.holds_key()
    }

    /// The submit after the process that made it has ended: [`State::left_behind`], with the reason as its note.
    #[must_use]
    pub fn left_behind(mut self) -> Self {
        if let Some((state, note)) = self.state.left_behind(self.intent.item.is_some()) {
            (self.state, self.note) = (state, Some(note.to_owned()));
        }
        self
    }
}

/// The content of a webhook's delivery, before it is verified.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Delivery {
    /// The submit that the delivery's secret belongs to.
    pub attempt: AttemptId,
    /// The task named in the delivery.
    pub task: TaskId,
}

impl Delivery {
    /// A delivery that names a task for a submit.
    pub fn new(attempt: AttemptId, task: TaskId) -> Self {
        Self { attempt, task }
    }
}

/// Selects entries. An empty filter selects all.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Filter {
    attempt: Option<String>,
    task: Option<TaskId>,
    secret: Option<Digest>,
    key: Option<String>,
    runs: Option<(Kind, String)>,
    once: Option<String>,
    open: bool,
    with_task: bool,
    since_ms: u64,
    state: Option<State>,
    limit: Option<usize>,
}

impl Filter {
    /// Selects all entries.
    pub fn all() -> Self {
        Self::default()
    }

    /// Selects entries whose name has this prefix.
    pub fn attempt(mut self, prefix: impl Into<String>) -> Self {
        self.attempt = Some(prefix.into());
        self
    }

    /// Selects entries of this task; several only if two sites assigned the same id.
    pub fn task(mut self, task: &TaskId) -> Self {
        self.task = Some(task.clone());
        self
    }

    /// Selects the entry with this secret in its webhook's URL.
    pub fn secret(mut self, digest: Digest) -> Self {
        self.secret = Some(digest);
        self
    }

    /// Selects entries of this key, by its fingerprint.
    pub fn key(mut self, fingerprint: impl Into<String>) -> Self {
        self.key = Some(fingerprint.into());
        self
    }

    /// Selects entries that run this workflow, app or model: the kind of task, and the id or endpoint.
    pub fn runs(mut self, kind: &Kind, id: impl Into<String>) -> Self {
        self.runs = Some((kind.clone(), id.into()));
        self
    }

    /// Selects entries with this idempotency key, by [`Once::key`].
    pub fn once(mut self, key: impl Into<String>) -> Self {
        self.once = Some(key.into());
        self
    }

    /// Selects entries that are not over: [`State::is_open`].
    pub fn open(mut self) -> Self {
        self.open = true;
        self
    }

    /// Selects entries that have a task.
    pub fn with_task(mut self) -> Self {
        self.with_task = true;
        self
    }

    /// Selects entries that were created at this time or later, in milliseconds since 1970.
    pub fn since(mut self, ms: u64) -> Self {
        self.since_ms = ms;
        self
    }

    /// Selects entries in this state.
    pub fn state(mut self, state: State) -> Self {
        self.state = Some(state);
        self
    }

    /// Limits the result to the newest `limit` entries.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The selected name prefix.
    pub fn attempt_prefix(&self) -> Option<&str> {
        self.attempt.as_deref()
    }

    /// The selected task.
    pub fn wanted_task(&self) -> Option<&TaskId> {
        self.task.as_ref()
    }

    /// The digest of the selected webhook secret.
    pub fn wanted_secret(&self) -> Option<Digest> {
        self.secret
    }

    /// The fingerprint of the selected key.
    pub fn wanted_key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The kind and id of the selected entries' target.
    pub fn wanted_runs(&self) -> Option<(&Kind, &str)> {
        self.runs.as_ref().map(|(kind, id)| (kind, &**id))
    }

    /// The selected idempotency key.
    pub fn wanted_once(&self) -> Option<&str> {
        self.once.as_deref()
    }

    /// Whether only open entries are selected.
    pub fn only_open(&self) -> bool {
        self.open
    }

    /// Whether only entries with a task are selected.
    pub fn only_with_task(&self) -> bool {
        self.with_task
    }

    /// The maximum number of entries.
    pub fn max(&self) -> usize {
        self.limit.unwrap_or(usize::MAX)
    }

    /// Whether an entry is selected. [`Filter::max`] limits the number of matches.
    pub fn matches(&self, entry: &Entry) -> bool {
        let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
        self.attempt.as_ref().is_none_or(|prefix| entry.attempt.as_str().starts_with(prefix))
            && (self.task.is_none() || self.task == entry.task)
            && (self.secret.is_none() || self.secret == entry.intent.secret)
            && is(&self.key, &entry.intent.key)
            && self.runs.as_ref().is_none_or(|(kind, id)| entry.intent.runs(kind, id))
            && self.once.as_ref().is_none_or(|key| entry.has_once(key))
            && (!self.open || entry.state.is_open())
            && (!self.with_task || entry.task.is_some())
            && entry.created_ms >= self.since_ms
            && self.state.is_none_or(|state| state == entry.state)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn attempt_names_are_not_task_ids_and_use_all_letters() {
        let names: Vec<String> =
            (0..2000).map(|_| AttemptId::random().expect("random").to_string()).collect();
        assert!(
            names
                .iter()
                .all(|name| name.len() == LENGTH && name.starts_with(|c: char| c.is_ascii_lowercase()))
        );
        let used: BTreeSet<u8> = names.iter().flat_map(|name| name.bytes().skip(1)).collect();
        assert_eq!(used, LETTERS.iter().copied().collect());
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }
}
