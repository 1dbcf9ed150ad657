//! What the ledger keeps.

use std::fmt;

use runninghub_core::{Cost, Kind, Place, TaskId, WorkflowId};

use crate::{Digest, Error, State, Step, digest::random};

/// Letters and digits that are not taken for each other.
const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
/// How many of [`LETTERS`] a name may begin with: no digit, so that it is never taken for a task's id.
const FIRST: usize = 16;
/// About 10^11 names: no two of one machine are alike, and the store refuses the second.
const LENGTH: usize = 8;

/// The name of one submit, given by this machine before anything is sent: a letter and seven letters or digits.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AttemptId(String);

impl AttemptId {
    /// A new name.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store) where the system has no random numbers.
    pub fn random() -> Result<Self, Error> {
        let letter = |(at, byte)| {
            let choice = if at == 0 { FIRST } else { LETTERS.len() };
            LETTERS.get(usize::from(byte) % choice).copied().map(char::from)
        };
        random::<LENGTH>()
            .map(|bytes: [u8; LENGTH]| Self(bytes.into_iter().enumerate().filter_map(letter).collect()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for AttemptId {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
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
    /// Where it goes.
    pub place: Place,
    /// The key's fingerprint, by [`Salt::fingerprint`](crate::Salt::fingerprint).
    pub key: String,
    /// What is run.
    pub kind: Kind,
    /// The workflow, where it has an id.
    pub workflow: Option<WorkflowId>,
    /// What else was named: the id of an app, the endpoint of a model.
    pub target: Option<String>,
    /// Of the request's body without the key.
    pub body: Digest,
    /// Of the secret in the webhook's address, where there is one.
    pub secret: Option<Digest>,
}

impl Intent {
    /// The intent to run something at a place. `key` is a [fingerprint](crate::Salt::fingerprint), `body` of the request
    /// without the key.
    pub fn new(place: Place, kind: Kind, key: impl Into<String>, body: Digest) -> Self {
        Self { place, key: key.into(), kind, workflow: None, target: None, body, secret: None }
    }

    /// Names the workflow.
    #[must_use]
    pub fn workflow(mut self, id: impl Into<WorkflowId>) -> Self {
        self.workflow = Some(id.into());
        self
    }

    /// Names the app or the model.
    #[must_use]
    pub fn target(mut self, target: impl Into<String>) -> Self {
        self.target = Some(target.into());
        self
    }

    /// Adds the digest of the secret in the webhook's address.
    #[must_use]
    pub fn secret(mut self, secret: Digest) -> Self {
        self.secret = Some(secret);
        self
    }
}

/// A submit and what came of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Entry {
    /// Its name.
    pub attempt: AttemptId,
    /// Where it stands.
    pub state: State,
    /// What was sent.
    pub intent: Intent,
    /// When the intent was written, milliseconds since 1970 by this machine's clock.
    pub created_ms: u64,
    /// When it last changed, by the same clock.
    pub changed_ms: u64,
    /// What is worth knowing about its state.
    pub note: Option<String>,
    /// The task, once there is one.
    pub task: Option<TaskId>,
    /// What it cost.
    pub cost: Option<Cost>,
    /// The folder into which all of its results were saved.
    pub saved: Option<String>,
    /// Whether this machine has asked for the task to be cancelled.
    pub cancelling: bool,
}

impl Entry {
    /// A submit as it is when its intent is written, at this time in milliseconds since 1970.
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

    /// Takes a step at this time, in milliseconds since 1970. `false`: it was taken before, and nothing has changed.
    ///
    /// That no other submit has the task is for the ledger to check.
    ///
    /// # Errors
    /// As [`Step::applies`], and nothing has changed.
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

    /// What the submit is once the process that made it has ended: [`State::left_behind`], with the reason as its note.
    #[must_use]
    pub fn left_behind(mut self) -> Self {
        if let Some((state, note)) = self.state.left_behind() {
            (self.state, self.note) = (state, Some(note.to_owned()));
        }
        self
    }
}

/// What a webhook's delivery says, before anybody has looked into it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Delivery {
    /// The submit whose secret it came with.
    pub attempt: AttemptId,
    /// The task that it names.
    pub task: TaskId,
}

impl Delivery {
    /// A delivery for a submit that names a task.
    pub fn new(attempt: AttemptId, task: TaskId) -> Self {
        Self { attempt, task }
    }
}

/// Which entries are wanted. Nothing set means all.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Filter {
    attempt: Option<String>,
    task: Option<TaskId>,
    secret: Option<Digest>,
    key: Option<String>,
    open: bool,
    with_task: bool,
    limit: Option<usize>,
}

impl Filter {
    /// All of them.
    pub fn all() -> Self {
        Self::default()
    }

    /// Those whose name begins like this.
    pub fn attempt(mut self, prefix: impl Into<String>) -> Self {
        self.attempt = Some(prefix.into());
        self
    }

    /// Those of this task; more than one only if two sites have given the same id.
    pub fn task(mut self, task: &TaskId) -> Self {
        self.task = Some(task.clone());
        self
    }

    /// The one with this secret in its webhook's address.
    pub fn secret(mut self, digest: Digest) -> Self {
        self.secret = Some(digest);
        self
    }

    /// Those of this key, by its fingerprint.
    pub fn key(mut self, fingerprint: impl Into<String>) -> Self {
        self.key = Some(fingerprint.into());
        self
    }

    /// Those that are not over: [`State::is_open`].
    pub fn open(mut self) -> Self {
        self.open = true;
        self
    }

    /// Those that have a task.
    pub fn with_task(mut self) -> Self {
        self.with_task = true;
        self
    }

    /// The newest so many.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// What the name has to begin with.
    pub fn attempt_prefix(&self) -> Option<&str> {
        self.attempt.as_deref()
    }

    /// The task that is wanted.
    pub fn wanted_task(&self) -> Option<&TaskId> {
        self.task.as_ref()
    }

    /// The digest of the webhook's secret that is wanted.
    pub fn wanted_secret(&self) -> Option<Digest> {
        self.secret
    }

    /// The fingerprint of the key that is wanted.
    pub fn wanted_key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Whether only open ones are wanted.
    pub fn only_open(&self) -> bool {
        self.open
    }

    /// Whether only those that have a task are wanted.
    pub fn only_with_task(&self) -> bool {
        self.with_task
    }

    /// How many are wanted at most.
    pub fn max(&self) -> usize {
        self.limit.unwrap_or(usize::MAX)
    }

    /// Whether an entry is wanted. [`Filter::max`] counts those that are.
    pub fn matches(&self, entry: &Entry) -> bool {
        let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
        self.attempt.as_ref().is_none_or(|prefix| entry.attempt.as_str().starts_with(prefix))
            && (self.task.is_none() || self.task == entry.task)
            && (self.secret.is_none() || self.secret == entry.intent.secret)
            && is(&self.key, &entry.intent.key)
            && (!self.open || entry.state.is_open())
            && (!self.with_task || entry.task.is_some())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_no_task_ids_and_use_all_letters() {
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
