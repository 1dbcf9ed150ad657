//! Events of a running batch.

use std::{sync::Arc, time::Duration};

use runninghub::{Busy, Handle, SavedTask, ledger::AttemptId};
use runninghub_core::{Failure, Line, Outcome, Sentence};

use crate::{ItemId, ItemState, Paused};

/// An event of a running batch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum News {
    /// The row's submit is being sent.
    Sending(ItemId),
    /// The next row waits for a slot.
    Slots {
        /// The row.
        item: ItemId,
        /// The slots of the key, if known.
        slots: Option<Busy>,
        /// The wait until the next attempt, unless a slot becomes free earlier.
        wait: Duration,
    },
    /// The row has a task.
    Accepted {
        /// The row.
        item: ItemId,
        /// Its run.
        handle: Handle,
    },
    /// A line of the row's run.
    Line {
        /// The row.
        item: ItemId,
        /// The line.
        line: Arc<Line>,
    },
    /// The row is over.
    Over(Box<Over>),
    /// The row is retried automatically: the platform failed, at no cost.
    Retry {
        /// The row.
        item: ItemId,
        /// What failed.
        why: Sentence,
    },
    /// The row may have a task: it keeps its slot until that is resolved.
    Unknown {
        /// The row.
        item: ItemId,
        /// The submit in the ledger.
        attempt: Option<AttemptId>,
        /// What happened.
        why: Sentence,
    },
    /// A warning about a row or the batch.
    Warning {
        /// The row.
        item: Option<ItemId>,
        /// A short, stable code.
        code: &'static str,
        /// The message.
        message: Sentence,
    },
    /// A key can't pay: it starts nothing more.
    Key {
        /// The key.
        key: Arc<str>,
        /// The platform's message.
        why: Sentence,
        /// How to fix it.
        hint: Option<Sentence>,
    },
    /// The batch is paused. Its running rows continue.
    Paused(Paused),
}

/// A row that is over.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Over {
    /// The row.
    pub item: ItemId,
    /// How it ended.
    pub state: ItemState,
    /// The submit in the ledger.
    pub attempt: Option<AttemptId>,
    /// How its task ended, if it had one.
    pub outcome: Option<Outcome>,
    /// The result of saving, if requested.
    pub saved: Option<Arc<Result<SavedTask, runninghub::Error>>>,
    /// Why it failed or was refused.
    pub why: Option<Sentence>,
    /// The same, in the published format.
    pub failure: Option<Failure>,
    /// The class of the failure, such as `node 9` or `content`.
    pub class: Option<Arc<str>>,
}

impl Over {
    /// A row with this outcome.
    pub(super) fn new(item: ItemId, state: ItemState) -> Self {
        Self { item, state, attempt: None, outcome: None, saved: None, why: None, failure: None, class: None }
    }

    /// Whether a result could not be saved.
    pub fn has_lost_files(&self) -> bool {
        match self.saved.as_deref() {
            Some(Ok(saved)) => saved.results.iter().any(|one| one.file.is_err()),
            Some(Err(_)) => true,
            None => false,
        }
    }
}
