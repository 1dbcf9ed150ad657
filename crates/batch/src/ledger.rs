//! Items and what became of them, as a ledger keeps them.

use runninghub::{
    answer::currency,
    ledger::{self, Batch, Entry, Error, ErrorKind, ItemEntry, State},
};
use runninghub_core::{Charge, say};

use crate::{Item, ItemError, ItemId, ItemState, JobLimits, Record, Recorded};

/// What runs that the platform no longer knows have in common.
const GONE: &str = "gone";

impl Item {
    /// The item as a ledger keeps it: without the URL of its webhook, which may have a secret in it.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if it has no JSON, which a value that was read always has.
    pub fn frozen(&self) -> Result<ledger::Item, Error> {
        let kept = Self { webhook: None, ..self.clone() };
        let body = serde_json::to_string(&kept).map_err(|error| damaged(&self.id, error))?;
        Ok(ledger::Item::new(self.id.as_str(), self.fingerprint, body))
    }

    /// The item that a ledger has kept.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if it can't be read.
    pub fn thawed(kept: &ledger::Item) -> Result<Self, Error> {
        serde_json::from_str(&kept.body).map_err(|error| damaged(&kept.id.as_str().into(), error))
    }
}

impl JobLimits {
    /// The limits as a ledger keeps them.
    pub fn frozen(&self) -> String {
        // They are numbers and words.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The limits that a ledger has kept of a batch.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if they can't be read.
    pub fn thawed(batch: &Batch) -> Result<Self, Error> {
        let Some(limits) = &batch.limits else { return Ok(Self::default()) };
        serde_json::from_str(limits).map_err(|error| {
            let what =
                say!("the limits of the batch `{name}` in the ledger cannot be read", name = &*batch.name);
            Error::new(ErrorKind::Corrupt, what).with_source(error)
        })
    }
}

impl ItemState {
    /// Where an item stands, by the state of the submit that says so.
    pub fn of(state: Option<State>) -> Self {
        match state {
            // A submit that was found to have made no task is as if it had not been.
            None | Some(State::Absent) => Self::Ready,
            Some(State::Submitting | State::Waiting | State::Accepted) => Self::Running,
            Some(State::Done) => Self::Done,
            Some(State::Cancelled) => Self::Cancelled,
            Some(State::Refused) => Self::Refused,
            Some(State::Failed | State::Gone) => Self::Failed,
            // Of a newer version's state nothing is known either.
            Some(_) => Self::Unknown,
        }
    }
}

impl Recorded {
    /// An item of a ledger, without what only its files and its results say.
    pub fn of(kept: &ItemEntry) -> Self {
        let is_gone = kept.entry.as_ref().is_some_and(|entry| entry.state == State::Gone);
        Self {
            id: kept.item.id.as_str().into(),
            fingerprint: kept.item.fingerprint,
            state: ItemState::of(kept.entry.as_ref().map(|entry| entry.state)),
            has_files: true,
            class: is_gone.then(|| GONE.to_owned()),
        }
    }
}

impl Record {
    /// Brings it up to date with the submit that says where the item stands.
    pub fn settle(&mut self, entry: Option<&Entry>) {
        self.state = ItemState::of(entry.map(|entry| entry.state));
        let Some(entry) = entry else { return };
        self.attempt_id = Some(entry.attempt.to_string());
        self.task_id.clone_from(&entry.task);
        if let Some(cost) = &entry.cost {
            self.cost = Some(Charge::new(cost.clone(), currency(&entry.intent.place)));
        }
        self.timings.submitted_ms.get_or_insert(entry.created_ms);
        if matches!(self.state, ItemState::Failed | ItemState::Refused) {
            let message = entry.note.clone().unwrap_or_default();
            self.error.get_or_insert_with(|| ItemError { message, ..ItemError::default() });
        } else {
            self.error = None;
        }
    }
}

fn damaged(id: &ItemId, error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Corrupt, say!("the item `{id}` in the ledger cannot be read", id))
        .with_source(error)
}
