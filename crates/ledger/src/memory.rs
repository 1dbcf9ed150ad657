//! A ledger that lives as long as the process: for tests and demos, and as the model for other ledgers.

mod batches;

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use async_trait::async_trait;
use runninghub_core::say;

use self::batches::Batches;
use crate::{
    Ask, AttemptId, Batch, BatchEntry, Claim, Delivery, Digest, Entry, Error, ErrorKind, Filter, Held,
    Intent, Item, ItemEntry, Ledger, MOST_DELIVERIES, Measure, Pool, Salt, SlotFor, Slots, State, Step,
    Ticket, Turns, slots::first_free,
};

/// A ledger that keeps nothing beyond the process.
#[derive(Debug)]
pub struct MemoryLedger {
    entries: Mutex<Vec<Entry>>,
    /// Locked after the entries.
    pools: Mutex<BTreeMap<Pool, KeptSlots>>,
    deliveries: Mutex<Vec<Delivery>>,
    /// Locked after the entries.
    batches: Mutex<Batches>,
    salt: Salt,
}

/// The slots of a key.
#[derive(Debug, Default)]
struct KeptSlots {
    /// The number of a slot, the submit that holds it, and since when.
    held: Vec<(u32, AttemptId, u64)>,
    turns: Turns,
    tickets: Ticket,
    measure: Option<Measure>,
}

impl MemoryLedger {
    /// An empty ledger.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if the system provides no random numbers.
    pub fn new() -> Result<Self, Error> {
        Ok(Self {
            entries: Mutex::default(),
            pools: Mutex::default(),
            deliveries: Mutex::default(),
            batches: Mutex::default(),
            salt: Salt::random()?,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        // Every change is a single assignment, so a panic leaves no partial change.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, entries: &mut Vec<Entry>, intent: Intent, now_ms: u64) -> Result<AttemptId, Error> {
        let entry = Entry::new(AttemptId::random()?, intent, now_ms);
        if let Some(item) = &entry.intent.item {
            self.lock_batches().claim(entries, item, &entry.attempt)?;
        }
        let attempt = entry.attempt.clone();
        entries.push(entry);
        Ok(attempt)
    }

    fn lock_batches(&self) -> MutexGuard<'_, Batches> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pools(&self) -> MutexGuard<'_, BTreeMap<Pool, KeptSlots>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn step(&self, entries: &mut [Entry], attempt: &AttemptId, step: Step) -> Result<State, Error> {
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
            if !entry.state.has_slot() {
                self.pools().values_mut().for_each(|slots| slots.release(attempt, before));
            }
        }
        Ok(before)
    }
}

impl KeptSlots {
    fn release(&mut self, attempt: &AttemptId, from: State) {
        let before = self.held.len();
        self.held.retain(|(_, holder, _)| holder != attempt);
        if self.held.len() < before
            && let Some(measure) = &mut self.measure
        {
            measure.released(from);
        }
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn begin(&self, intent: Intent) -> Result<AttemptId, Error> {
        self.add(&mut self.lock(), intent, now_ms())
    }

    async fn advance(&self, attempt: &AttemptId, step: Step) -> Result<State, Error> {
        self.step(&mut self.lock(), attempt, step)
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

    async fn claim(&self, pool: &Pool, ask: Ask, work: SlotFor) -> Result<Claim, Error> {
        let (mut entries, now) = (self.lock(), now_ms());
        if let SlotFor::Again(attempt) = &work {
            let entry = entries.iter().find(|entry| entry.attempt == *attempt).ok_or_else(unknown_attempt)?;
            if !Step::Sending.applies(entry.state, entry.task.as_ref())? {
                return Err(sent_already());
            }
        }
        if let SlotFor::New(Intent { item: Some(item), .. }) = &work {
            self.lock_batches().check(&entries, item)?;
        }
        let ticket = {
            let mut pools = self.pools();
            let slots = pools.entry(pool.clone()).or_default();
            slots.tickets += u64::from(ask.ticket.is_none());
            let ticket = ask.ticket.unwrap_or(slots.tickets);
            let held = u32::try_from(slots.held.len()).unwrap_or(u32::MAX);
            if !slots.turns.ask(ticket, &ask, held, now) {
                return Ok(Claim::Wait(ticket));
            }
            ticket
        };
        let attempt = match work {
            SlotFor::New(intent) => self.add(&mut entries, intent, now)?,
            SlotFor::Again(attempt) => {
                self.step(&mut entries, &attempt, Step::Sending)?;
                attempt
            }
        };
        let mut pools = self.pools();
        let slots = pools.entry(pool.clone()).or_default();
        let slot = first_free(slots.held.iter().map(|(slot, ..)| *slot));
        slots.held.push((slot, attempt.clone(), now));
        slots.held.sort_unstable_by_key(|(slot, ..)| *slot);
        Ok(Claim::Taken { attempt, slot, ticket })
    }

    async fn leave(&self, pool: &Pool, ticket: Ticket) -> Result<(), Error> {
        if let Some(slots) = self.pools().get_mut(pool) {
            slots.turns.leave(ticket);
        }
        Ok(())
    }

    async fn slots(&self, pool: &Pool, ticket: Option<Ticket>) -> Result<Option<Slots>, Error> {
        let entries = self.lock();
        let mut pools = self.pools();
        let slots = pools.entry(pool.clone()).or_default();
        slots.turns.at(now_ms());
        let held = slots.held.iter().filter_map(|(slot, attempt, since)| {
            let entry = entries.iter().find(|entry| entry.attempt == *attempt)?;
            Some(Held::new(*slot, attempt.clone(), entry.state, entry.task.clone(), *since))
        });
        Ok(Some(slots.turns.slots(ticket, held.collect(), slots.measure)))
    }

    async fn measured(&self, pool: &Pool, measure: Measure) -> Result<(), Error> {
        self.pools().entry(pool.clone()).or_default().measure = Some(measure);
        Ok(())
    }

    async fn open_batch(&self, batch: Batch) -> Result<(), Error> {
        self.lock_batches().open(batch, now_ms())
    }

    async fn batches(&self) -> Result<Vec<BatchEntry>, Error> {
        let entries = self.lock();
        Ok(self.lock_batches().list(&entries))
    }

    async fn freeze(&self, batch: &str, items: Vec<Item>) -> Result<(), Error> {
        self.lock_batches().freeze(batch, items)
    }

    async fn items(&self, batch: &str) -> Result<Vec<ItemEntry>, Error> {
        let entries = self.lock();
        self.lock_batches().items(&entries, batch)
    }

    async fn done(&self, fingerprints: Vec<Digest>) -> Result<Vec<ItemEntry>, Error> {
        let entries = self.lock();
        let batches = self.lock_batches();
        Ok(fingerprints.iter().filter_map(|fingerprint| batches.done(&entries, fingerprint)).collect())
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

pub(crate) fn sent_already() -> Error {
    Error::new(ErrorKind::Conflict, say!("the submit is being sent already"))
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
    crate::slots_conformance!(slots, ((), MemoryLedger::new().expect("a ledger")));
    crate::batches_conformance!(batches, ((), MemoryLedger::new().expect("a ledger")));
}
