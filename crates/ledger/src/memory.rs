//! A ledger that lives as long as the process: for tests and demos, and as the model for other ledgers.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use async_trait::async_trait;
use runninghub_core::say;

use crate::{
    AttemptId, Delivery, Entry, Error, ErrorKind, Filter, Intent, Ledger, MOST_DELIVERIES, Salt, State, Step,
};

/// A ledger that keeps nothing beyond the process.
#[derive(Debug)]
pub struct MemoryLedger {
    entries: Mutex<Vec<Entry>>,
    deliveries: Mutex<Vec<Delivery>>,
    salt: Salt,
}

impl MemoryLedger {
    /// An empty ledger.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if the system provides no random numbers.
    pub fn new() -> Result<Self, Error> {
        Ok(Self { entries: Mutex::default(), deliveries: Mutex::default(), salt: Salt::random()? })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        // Every change is a single assignment, so a panic leaves no partial change.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn begin(&self, intent: Intent) -> Result<AttemptId, Error> {
        let entry = Entry::new(AttemptId::random()?, intent, now_ms());
        let attempt = entry.attempt.clone();
        self.lock().push(entry);
        Ok(attempt)
    }

    async fn advance(&self, attempt: &AttemptId, step: Step) -> Result<State, Error> {
        let mut entries = self.lock();
        let entry = entries.iter().find(|entry| entry.attempt == *attempt).ok_or_else(unknown_attempt)?;
        let before = entry.state;
        if let Step::Accepted { task } = &step
            && step.applies(before, entry.task.as_ref())?
        {
            let there = |other: &Entry| other.intent.place.url() == entry.intent.place.url();
            if entries.iter().any(|other| there(other) && other.task.as_ref() == Some(task)) {
                return Err(taken_by_another(task.as_str()));
            }
        }
        if let Some(entry) = entries.iter_mut().find(|entry| entry.attempt == *attempt) {
            entry.advance(step, now_ms())?;
        }
        Ok(before)
    }

    async fn saved(&self, attempt: &AttemptId, folder: &str) -> Result<(), Error> {
        let mut entries = self.lock();
        let entry = entries
            .iter_mut()
            .find(|entry| entry.attempt == *attempt && entry.task.is_some())
            .ok_or_else(unknown_attempt)?;
        entry.saved = Some(folder.to_owned());
        Ok(())
    }

    async fn cancelling(&self, attempt: &AttemptId, is_cancelling: bool) -> Result<(), Error> {
        let mut entries = self.lock();
        let entry = entries
            .iter_mut()
            .find(|entry| entry.attempt == *attempt && entry.task.is_some())
            .ok_or_else(unknown_attempt)?;
        entry.cancelling = is_cancelling;
        Ok(())
    }

    async fn keep_delivery(&self, delivery: &Delivery) -> Result<(), Error> {
        if !self.lock().iter().any(|entry| entry.attempt == delivery.attempt) {
            return Err(unknown_attempt());
        }
        let mut kept = self.deliveries.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.contains(delivery) {
            return Ok(());
        }
        if kept.iter().filter(|one| one.attempt == delivery.attempt).count() >= MOST_DELIVERIES {
            return Err(too_many_deliveries());
        }
        kept.push(delivery.clone());
        Ok(())
    }

    async fn deliveries(&self) -> Result<Vec<Delivery>, Error> {
        Ok(self.deliveries.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    async fn forget_delivery(&self, delivery: &Delivery) -> Result<(), Error> {
        self.deliveries.lock().unwrap_or_else(PoisonError::into_inner).retain(|one| one != delivery);
        Ok(())
    }

    async fn entries(&self, filter: Filter) -> Result<Vec<Entry>, Error> {
        let entries = self.lock();
        Ok(entries.iter().rev().filter(|entry| filter.matches(entry)).take(filter.max()).cloned().collect())
    }

    fn salt(&self) -> Salt {
        self.salt
    }
}

pub(crate) fn unknown_attempt() -> Error {
    Error::new(ErrorKind::NotFound, say!("no such submit in the ledger"))
}

pub(crate) fn taken_by_another(task: &str) -> Error {
    Error::new(ErrorKind::Conflict, say!("the task {task} belongs to another submit", task))
}

pub(crate) fn too_many_deliveries() -> Error {
    Error::new(ErrorKind::Conflict, say!("too many webhook deliveries for this submit are waiting"))
}

pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::MemoryLedger;

    crate::ledger_conformance!(memory, ((), MemoryLedger::new().expect("a ledger")));
}
