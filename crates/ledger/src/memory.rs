//! A ledger that lives as long as the process: for tests and demos, and as the model for other ledgers.

mod batches;
mod slots;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use async_trait::async_trait;
use runninghub_core::{Amount, Cost, say};

use self::{batches::Batches, slots::Pools};
use crate::{
    Ask, AttemptId, Batch, BatchEntry, Claim, Delivery, Digest, Entry, Error, ErrorKind, Filter, Intent,
    Item, ItemEntry, Ledger, MOST_DELIVERIES, Measure, Pool, Salt, SlotFor, Slots, Spending, State, Step,
    Ticket,
};

/// A ledger in memory, which ends with the process.
#[derive(Debug)]
pub struct MemoryLedger {
    kept: Mutex<Kept>,
    salt: Salt,
}

#[derive(Debug, Default)]
struct Kept {
    entries: Vec<Entry>,
    graphs: HashMap<Digest, String>,
    deliveries: Vec<Delivery>,
    batches: Batches,
    /// Amounts set aside for submits of batches, and assumed costs of their tasks if the platform doesn't report them.
    reserves: BTreeMap<AttemptId, (Amount, Amount)>,
    pools: Pools,
}

impl MemoryLedger {
    /// An empty ledger.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if the system provides no random numbers.
    pub fn new() -> Result<Self, Error> {
        Ok(Self { kept: Mutex::default(), salt: Salt::random()? })
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // No change panics half-way.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn begin(&mut self, intent: Intent) -> Result<AttemptId, Error> {
        let entry = Entry::new(AttemptId::random()?, intent, now_ms());
        let attempt = entry.attempt.clone();
        if let Some(holder) = self.entries.iter().find(|other| other.holds_key_of(&entry.intent)) {
            return Err(key_is_taken(holder.attempt.as_str()));
        }
        if let Some(item) = &entry.intent.item {
            self.batches.claim(&self.entries, item, &attempt)?;
        }
        self.entries.push(entry);
        Ok(attempt)
    }

    fn advance(&mut self, attempt: &AttemptId, step: Step) -> Result<State, Error> {
        let entry =
            self.entries.iter().find(|entry| entry.attempt == *attempt).ok_or_else(unknown_attempt)?;
        let before = entry.state;
        if let Step::Accepted { task } = &step
            && step.applies(before, entry.task.as_ref())?
        {
            let there = |other: &Entry| other.intent.place.url() == entry.intent.place.url();
            if self.entries.iter().any(|other| there(other) && other.task.as_ref() == Some(task)) {
                return Err(taken_by_another(task.as_str()));
            }
        }
        let entry = self.entry(attempt, |_| true)?;
        entry.advance(step, now_ms())?;
        if !entry.state.has_slot() {
            self.pools.release(attempt, before);
        }
        Ok(before)
    }

    fn spending(&self, batch: &str) -> Result<Spending, Error> {
        let mut all = Spending::default();
        for attempt in self.batches.attempts(batch)? {
            let Some(entry) = self.entries.iter().find(|entry| entry.attempt == *attempt) else { continue };
            let (reserve, guess) = self.reserves.get(attempt).copied().unwrap_or_default();
            let spent = entry.cost.as_ref().and_then(Cost::amount).unwrap_or(guess);
            all = all.with(entry.state, spent, reserve);
        }
        Ok(all)
    }

    fn entry(&mut self, attempt: &AttemptId, is_meant: impl Fn(&Entry) -> bool) -> Result<&mut Entry, Error> {
        let mut entries = self.entries.iter_mut();
        entries.find(|entry| entry.attempt == *attempt && is_meant(entry)).ok_or_else(unknown_attempt)
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn begin(&self, intent: Intent) -> Result<AttemptId, Error> {
        self.lock().begin(intent)
    }

    async fn advance(&self, attempt: &AttemptId, step: Step) -> Result<State, Error> {
        self.lock().advance(attempt, step)
    }

    async fn saved(&self, attempt: &AttemptId, folder: &str) -> Result<(), Error> {
        self.lock().entry(attempt, |entry| entry.task.is_some())?.saved = Some(folder.to_owned());
        Ok(())
    }

    async fn cancelling(&self, attempt: &AttemptId, is_cancelling: bool) -> Result<(), Error> {
        self.lock().entry(attempt, |entry| entry.task.is_some())?.cancelling = is_cancelling;
        Ok(())
    }

    async fn keep_delivery(&self, delivery: &Delivery) -> Result<(), Error> {
        let mut kept = self.lock();
        kept.entry(&delivery.attempt, |_| true)?;
        let kept = &mut kept.deliveries;
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
        Ok(self.lock().deliveries.clone())
    }

    async fn forget_delivery(&self, delivery: &Delivery) -> Result<(), Error> {
        self.lock().deliveries.retain(|one| one != delivery);
        Ok(())
    }

    async fn keep_graph(&self, json: &str) -> Result<Digest, Error> {
        let digest = Digest::of(json);
        self.lock().graphs.entry(digest).or_insert_with(|| json.to_owned());
        Ok(digest)
    }

    async fn graph(&self, digest: Digest) -> Result<Option<String>, Error> {
        Ok(self.lock().graphs.get(&digest).cloned())
    }

    async fn entries(&self, filter: Filter) -> Result<Vec<Entry>, Error> {
        let kept = self.lock();
        let entries = kept.entries.iter().rev().filter(|entry| filter.matches(entry));
        Ok(entries.take(filter.max()).cloned().collect())
    }

    async fn open_batch(&self, batch: Batch) -> Result<(), Error> {
        self.lock().batches.open(batch, now_ms())
    }

    async fn batches(&self) -> Result<Vec<BatchEntry>, Error> {
        let kept = self.lock();
        Ok(kept.batches.list(&kept.entries))
    }

    async fn freeze(&self, batch: &str, items: Vec<Item>) -> Result<(), Error> {
        self.lock().batches.freeze(batch, items)
    }

    async fn items(&self, batch: &str) -> Result<Vec<ItemEntry>, Error> {
        let kept = self.lock();
        kept.batches.items(&kept.entries, batch)
    }

    async fn spending(&self, batch: &str) -> Result<Spending, Error> {
        self.lock().spending(batch)
    }

    async fn halt_batch(&self, batch: &str) -> Result<(), Error> {
        self.lock().batches.halt(batch)
    }

    async fn is_halted(&self, batch: &str) -> Result<bool, Error> {
        self.lock().batches.is_halted(batch)
    }

    async fn done(&self, fingerprints: Vec<Digest>) -> Result<Vec<ItemEntry>, Error> {
        let kept = self.lock();
        let done = |fingerprint| kept.batches.done(&kept.entries, fingerprint);
        Ok(fingerprints.iter().filter_map(done).collect())
    }

    async fn claim(&self, pool: &Pool, ask: Ask, slot_for: SlotFor) -> Result<Claim, Error> {
        self.lock().claim(pool, &ask, slot_for)
    }

    async fn leave(&self, pool: &Pool, ticket: Ticket) -> Result<(), Error> {
        self.lock().pools.leave(pool, ticket);
        Ok(())
    }

    async fn slots(&self, pool: &Pool, ticket: Option<Ticket>) -> Result<Option<Slots>, Error> {
        let kept = self.lock();
        Ok(Some(kept.pools.slots(&kept.entries, pool, ticket, now_ms())))
    }

    async fn measured(&self, pool: &Pool, measure: Measure) -> Result<(), Error> {
        self.lock().pools.measured(pool, measure);
        Ok(())
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

pub(crate) fn key_is_taken(attempt: &str) -> Error {
    Error::new(ErrorKind::Conflict, say!("the submit {attempt} has the same key", attempt))
}

pub(crate) fn sent_already() -> Error {
    Error::new(ErrorKind::Conflict, say!("the submit is already being sent"))
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
