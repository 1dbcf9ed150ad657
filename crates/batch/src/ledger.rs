//! Items and their outcomes, as stored in a ledger.

use runninghub::{
    answer::currency,
    ledger::{self, Batch, Entry, Error, ErrorKind, ItemEntry, State},
};
use runninghub_core::{Charge, say};

use crate::{Item, ItemError, ItemId, ItemState, JobLimits, Record, Recorded};

/// The common cause of failures when the platform no longer knows a run.
const GONE: &str = "gone";

impl Item {
    /// The item as stored in a ledger: without its webhook URL, which may contain a secret.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if it can't be written as JSON; a value that was read always can.
    pub fn frozen(&self) -> Result<ledger::Item, Error> {
        let kept = Self { webhook: None, ..self.clone() };
        let body = serde_json::to_string(&kept).map_err(|error| damaged(&self.id, error))?;
        Ok(ledger::Item::new(self.id.as_str(), self.fingerprint, body))
    }

    /// The item stored in a ledger.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if it can't be read.
    pub fn thawed(kept: &ledger::Item) -> Result<Self, Error> {
        serde_json::from_str(&kept.body).map_err(|error| damaged(&kept.id.as_str().into(), error))
    }
}

impl JobLimits {
    /// The limits as stored in a ledger.
    pub fn frozen(&self) -> String {
        // Cannot fail: these are numbers and words.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The limits of a batch, as stored in a ledger.
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
    /// An item's state, derived from its deciding submit.
    pub fn of(state: Option<State>) -> Self {
        match state {
            // A submit that created no task doesn't count.
            None | Some(State::Absent) => Self::Ready,
            Some(State::Submitting | State::Waiting | State::Accepted) => Self::Running,
            Some(State::Done) => Self::Done,
            Some(State::Cancelled) => Self::Cancelled,
            Some(State::Refused) => Self::Refused,
            Some(State::Failed | State::Gone) => Self::Failed,
            // A newer version's state is unknown too.
            Some(_) => Self::Unknown,
        }
    }
}

impl Recorded {
    /// An item from a ledger, without the details that only its files and results have.
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
    /// Updates it from the item's deciding submit.
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
