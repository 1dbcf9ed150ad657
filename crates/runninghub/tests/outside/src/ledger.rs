//! An in-memory ledger shared by several handles, each of which represents a process.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use async_trait::async_trait;
use runninghub::{
    ledger::{
        AttemptId, Delivery, Digest, Entry, Error, ErrorKind, Filter, Intent, Ledger, MOST_DELIVERIES, Salt,
        State, Step,
    },
    say,
};

/// The shared rows.
#[derive(Clone, Debug)]
pub struct Store(Arc<Mutex<Rows>>);

/// One handle. Dropping it ends its process.
#[derive(Debug)]
pub struct SharedLedger {
    store: Store,
    process: usize,
    salt: Salt,
}

#[derive(Debug)]
struct Rows {
    /// Each entry with the process that created it, oldest first.
    entries: Vec<(usize, Entry)>,
    deliveries: Vec<Delivery>,
    graphs: HashMap<Digest, String>,
    processes: usize,
    living: HashSet<usize>,
    salt: [u8; 16],
}

impl Store {
    /// An empty store.
    ///
    /// # Errors
    /// When the system provides no random numbers.
    pub fn new() -> Result<Self, Error> {
        Ok(Self(Arc::new(Mutex::new(Rows {
            entries: Vec::new(),
            deliveries: Vec::new(),
            graphs: HashMap::new(),
            processes: 0,
            living: HashSet::new(),
            salt: *Salt::random()?.as_bytes(),
        }))))
    }

    /// A handle for another process.
    pub fn open(&self) -> SharedLedger {
        let mut rows = self.rows();
        rows.processes += 1;
        let process = rows.processes;
        rows.living.insert(process);
        SharedLedger { store: self.clone(), process, salt: Salt::from_bytes(rows.salt) }
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SharedLedger {
    fn drop(&mut self) {
        self.store.rows().living.remove(&self.process);
    }
}

impl Rows {
    /// A submit as all processes must see it.
    fn seen(&self, (process, entry): &(usize, Entry)) -> Entry {
        let entry = entry.clone();
        if self.living.contains(process) { entry } else { entry.left_behind() }
    }

    fn find(&mut self, attempt: &AttemptId) -> Result<&mut (usize, Entry), Error> {
        let found = self.entries.iter_mut().find(|(_, entry)| entry.attempt == *attempt);
        found.ok_or_else(|| Error::new(ErrorKind::NotFound, say!("no such submit")))
    }

    /// A submit that has a task.
    fn paid(&mut self, attempt: &AttemptId) -> Result<&mut Entry, Error> {
        let (_, entry) = self.find(attempt)?;
        if entry.task.is_some() { Ok(entry) } else { Err(Error::new(ErrorKind::NotFound, say!("no task"))) }
    }

    fn is_taken(&self, step: &Step, mine: &Entry) -> bool {
        let Step::Accepted { task } = step else { return false };
        let url = mine.intent.place.url();
        self.entries
            .iter()
            .any(|(_, entry)| entry.task.as_ref() == Some(task) && entry.intent.place.url() == url)
    }
}

#[async_trait]
impl Ledger for SharedLedger {
    async fn begin(&self, intent: Intent) -> Result<AttemptId, Error> {
        let attempt = AttemptId::random()?;
        let mut rows = self.store.rows();
        if rows.entries.iter().any(|row| rows.seen(row).holds_key_of(&intent)) {
            return Err(Error::new(ErrorKind::Conflict, say!("another submit has this key")));
        }
        rows.entries.push((self.process, Entry::new(attempt.clone(), intent, now_ms()?)));
        Ok(attempt)
    }

    async fn advance(&self, attempt: &AttemptId, step: Step) -> Result<State, Error> {
        let mut rows = self.store.rows();
        let row = rows.find(attempt)?.clone();
        let mut entry = rows.seen(&row);
        let before = entry.state;
        if step.applies(before, entry.task.as_ref())? && rows.is_taken(&step, &entry) {
            return Err(Error::new(ErrorKind::Conflict, say!("another submit has this task")));
        }
        if entry.advance(step, now_ms()?)? {
            rows.find(attempt)?.1 = entry;
        }
        Ok(before)
    }

    async fn saved(&self, attempt: &AttemptId, folder: &str) -> Result<(), Error> {
        self.store.rows().paid(attempt)?.saved = Some(folder.to_owned());
        Ok(())
    }

    async fn cancelling(&self, attempt: &AttemptId, is_cancelling: bool) -> Result<(), Error> {
        self.store.rows().paid(attempt)?.cancelling = is_cancelling;
        Ok(())
    }

    async fn keep_delivery(&self, delivery: &Delivery) -> Result<(), Error> {
        let mut rows = self.store.rows();
        rows.find(&delivery.attempt)?;
        let kept = rows.deliveries.iter().filter(|kept| kept.attempt == delivery.attempt).count();
        match rows.deliveries.contains(delivery) {
            true => Ok(()),
            false if kept >= MOST_DELIVERIES => {
                Err(Error::new(ErrorKind::Conflict, say!("too many deliveries")))
            }
            false => {
                rows.deliveries.push(Delivery::new(delivery.attempt.clone(), delivery.task.clone()));
                Ok(())
            }
        }
    }

    async fn deliveries(&self) -> Result<Vec<Delivery>, Error> {
        Ok(self.store.rows().deliveries.clone())
    }

    async fn forget_delivery(&self, delivery: &Delivery) -> Result<(), Error> {
        self.store.rows().deliveries.retain(|kept| kept != delivery);
        Ok(())
    }

    async fn keep_graph(&self, json: &str) -> Result<Digest, Error> {
        let digest = Digest::of(json);
        self.store.rows().graphs.insert(digest, json.to_owned());
        Ok(digest)
    }

    async fn graph(&self, digest: Digest) -> Result<Option<String>, Error> {
        Ok(self.store.rows().graphs.get(&digest).cloned())
    }

    async fn entries(&self, filter: Filter) -> Result<Vec<Entry>, Error> {
        let rows = self.store.rows();
        let seen = rows.entries.iter().rev().map(|row| rows.seen(row));
        Ok(seen.filter(|entry| filter.matches(entry)).take(filter.max()).collect())
    }

    fn salt(&self) -> Salt {
        self.salt
    }
}

fn now_ms() -> Result<u64, Error> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_err(Error::backend)?;
    u64::try_from(now.as_millis()).map_err(Error::backend)
}
