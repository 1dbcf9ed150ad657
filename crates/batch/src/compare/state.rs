//! The state of an item in a ledger.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Digest, ItemId};

/// The state of an item.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemState {
    /// It has no task and waits to be started.
    Ready,
    /// Its task is accepted, and paid for.
    Running,
    /// Its task succeeded.
    Done,
    /// Its task failed.
    Failed,
    /// Its task was stopped.
    Cancelled,
    /// Its submit was refused: no task, no cost.
    Refused,
    /// It may or may not have a task.
    Unknown,
}

/// The word isn't a state.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NoState;

/// An item in the ledger.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Recorded {
    /// Its id.
    pub id: ItemId,
    /// What it ran.
    pub fingerprint: Digest,
    /// Its state.
    pub state: ItemState,
    /// Whether all its files are on disk and unchanged. Only used if it is done.
    pub has_files: bool,
    /// The class of its failure or refusal, such as `node 9` or `content`.
    pub class: Option<String>,
}

impl ItemState {
    /// All states, in life-cycle order.
    pub const ALL: [Self; 7] =
        [Self::Ready, Self::Running, Self::Done, Self::Failed, Self::Cancelled, Self::Refused, Self::Unknown];

    /// The word used in output and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it has, or may have, an unfinished task.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Running | Self::Unknown)
    }
}

impl fmt::Display for ItemState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for ItemState {
    type Err = NoState;

    fn from_str(word: &str) -> Result<Self, NoState> {
        Self::ALL.into_iter().find(|state| state.as_str() == word).ok_or(NoState)
    }
}

impl fmt::Display for NoState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the word is not a state of an item")
    }
}

impl std::error::Error for NoState {}
