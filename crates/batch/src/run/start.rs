//! Prepares a batch to run.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use runninghub::{
    BatchQueue, Service, Submit, Workspace,
    ledger::{AttemptId, Entry, State},
};
use runninghub_core::TaskId;

use crate::{Amount, Item, Limits};

/// A key that pays for rows, with its service.
#[derive(Clone)]
pub struct Key {
    /// Its name, as in [`Item::profile`].
    pub(super) name: Arc<str>,
    pub(super) service: Arc<dyn Service>,
    /// Its fingerprint in the ledger.
    pub(super) fingerprint: Option<String>,
    /// The batch's position in the queue for its slots.
    pub(super) queue: BatchQueue,
}

/// A batch before it runs.
#[must_use = "nothing runs until it is given to a batch"]
pub struct Setup {
    pub(super) workspace: Workspace,
    pub(super) batch: String,
    pub(super) keys: Vec<Key>,
    pub(super) limits: Limits,
    pub(super) submit: SubmitOf,
    pub(super) base: Arc<Path>,
    pub(super) folder: Option<PathBuf>,
    pub(super) template: Option<String>,
    pub(super) scale: f64,
}

/// Prepares the submit of a row without its values.
pub(super) type SubmitOf = Arc<dyn Fn() -> Submit + Send + Sync>;

/// How a run handles a row.
#[derive(Clone, Debug)]
pub enum Begin {
    /// It is started.
    Run,
    /// Its task is followed.
    Adopt {
        /// The task.
        task: TaskId,
        /// The submit in the ledger.
        attempt: AttemptId,
    },
    /// Its submit keeps its slot until it is resolved.
    Hold {
        /// The submit in the ledger.
        attempt: AttemptId,
    },
    /// Its task is done, and its files are downloaded.
    Fetch {
        /// The task.
        task: TaskId,
        /// The submit in the ledger.
        attempt: AttemptId,
    },
}

impl Key {
    /// A key of this name.
    pub fn new(name: impl Into<Arc<str>>, service: Arc<dyn Service>) -> Self {
        Self { name: name.into(), service, fingerprint: None, queue: BatchQueue::default() }
    }

    /// Its service.
    pub fn service(&self) -> &dyn Service {
        &*self.service
    }

    /// The key of a row's task: the one that paid for it, or else that of the row's profile, or else the first one.
    pub fn of<'k>(keys: &'k [Self], item: &Item, entry: Option<&Entry>) -> Option<&'k Self> {
        let payer = entry.map(|entry| &*entry.intent.key);
        let has_paid = |key: &&Self| key.fingerprint.is_some() && key.fingerprint.as_deref() == payer;
        let is_named = |key: &&Self| item.profile.as_deref().is_some_and(|profile| profile == &*key.name);
        let mut known = keys.iter();
        known.find(has_paid).or_else(|| keys.iter().find(is_named)).or_else(|| keys.first())
    }

    /// Sets its fingerprint in the ledger, which identifies the tasks that it paid for. Tasks that no key paid for are
    /// followed with the first key.
    #[must_use]
    pub fn fingerprint(self, fingerprint: impl Into<String>) -> Self {
        Self { fingerprint: Some(fingerprint.into()), ..self }
    }
}

impl Setup {
    /// A batch whose items are already in the workspace's ledger. Its first key also holds tasks of earlier runs.
    /// `submit` prepares the submit of a row without its values.
    pub fn new(
        workspace: &Workspace,
        batch: impl Into<String>,
        keys: Vec<Key>,
        submit: impl Fn() -> Submit + Send + Sync + 'static,
    ) -> Self {
        Self {
            workspace: workspace.clone(),
            batch: batch.into(),
            keys,
            limits: Limits::default(),
            submit: Arc::new(submit),
            base: Path::new("").into(),
            folder: None,
            template: None,
            scale: 1.0,
        }
    }

    /// Sets the limits. The cost so far is read from the ledger.
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Relative paths of files are resolved against this folder.
    pub fn files_below(self, base: impl AsRef<Path>) -> Self {
        Self { base: base.as_ref().into(), ..self }
    }

    /// Saves the results of each row in its own folder below this one.
    pub fn folder(self, folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()), ..self }
    }

    /// Names result files by a template ([`Save::template`](runninghub::Save::template)).
    pub fn template(self, template: impl Into<String>) -> Self {
        Self { template: Some(template.into()), ..self }
    }

    /// Multiplies the waits.
    pub fn time_scale(self, scale: f64) -> Self {
        Self { scale, ..self }
    }

    pub(super) fn wait(&self, wait: Duration) -> Duration {
        wait.mul_f64(self.scale)
    }
}

impl Begin {
    /// How the run handles a row, given its deciding submit; `None` if it needs nothing.
    pub(super) fn now(self, entry: Option<&Entry>) -> Option<Self> {
        match (self, entry) {
            (Self::Run, Some(entry)) if entry.state == State::Done => None,
            (Self::Run, Some(entry)) if entry.state.is_open() => Self::of(entry),
            (begin, _) => Some(begin),
        }
    }

    /// How the run handles a row with an unfinished submit; `None` if it is over.
    pub fn of(entry: &Entry) -> Option<Self> {
        let attempt = entry.attempt.clone();
        match (entry.state, &entry.task) {
            (State::Accepted, Some(task)) => Some(Self::Adopt { task: task.clone(), attempt }),
            (State::Unknown, _) => Some(Self::Hold { attempt }),
            _ => None,
        }
    }
}

/// The group of an item: cost and duration are estimated from others in the group.
pub(super) fn group(item: &Item) -> &str {
    item.instance.as_deref().unwrap_or_default()
}

/// The costs of earlier tasks of a target, oldest first.
pub(super) fn costs(entries: &[Entry]) -> impl Iterator<Item = Option<Amount>> {
    let done = entries.iter().rev().filter(|entry| entry.state == State::Done);
    done.map(|entry| entry.cost.as_ref().and_then(runninghub::Cost::amount))
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").field("batch", &self.batch).finish_non_exhaustive()
    }
}
