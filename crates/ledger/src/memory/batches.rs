//! Batches in memory: the model for those of other ledgers.

use crate::{
    AttemptId, Batch, BatchEntry, Digest, Entry, Error, Item, ItemEntry, ItemRef, State,
    batch::{name_is_taken, runs_already, unknown_batch, unknown_item, weight},
};

/// The batches in the order in which they were opened first.
#[derive(Debug, Default)]
pub(super) struct Batches(Vec<Kept>);

#[derive(Debug)]
struct Kept {
    batch: Batch,
    created_ms: u64,
    opened_ms: u64,
    is_halted: bool,
    /// Every version of every item, the oldest first.
    versions: Vec<Version>,
}

#[derive(Debug)]
struct Version {
    item: Item,
    is_current: bool,
    attempts: Vec<AttemptId>,
}

impl Batches {
    pub(super) fn open(&mut self, batch: Batch, now_ms: u64) -> Result<(), Error> {
        match self.0.iter_mut().find(|kept| kept.batch.name == batch.name) {
            Some(kept) if kept.batch.origin != batch.origin => Err(name_is_taken(&batch, &kept.batch.origin)),
            Some(kept) => {
                (kept.batch, kept.opened_ms, kept.is_halted) = (batch, now_ms, false);
                Ok(())
            }
            None => {
                let (created_ms, opened_ms) = (now_ms, now_ms);
                self.0.push(Kept { batch, created_ms, opened_ms, is_halted: false, versions: Vec::new() });
                Ok(())
            }
        }
    }

    pub(super) fn halt(&mut self, name: &str) -> Result<(), Error> {
        let kept = self.0.iter_mut().find(|kept| kept.batch.name == name);
        kept.ok_or_else(|| unknown_batch(name))?.is_halted = true;
        Ok(())
    }

    pub(super) fn is_halted(&self, name: &str) -> Result<bool, Error> {
        let kept = self.0.iter().find(|kept| kept.batch.name == name);
        kept.map(|kept| kept.is_halted).ok_or_else(|| unknown_batch(name))
    }

    pub(super) fn freeze(&mut self, batch: &str, items: Vec<Item>) -> Result<(), Error> {
        let kept = self.0.iter_mut().find(|kept| kept.batch.name == batch);
        let versions = &mut kept.ok_or_else(|| unknown_batch(batch))?.versions;
        for item in items {
            match versions.iter_mut().find(|version| version.is_current && version.item.id == item.id) {
                Some(same) if same.item.fingerprint == item.fingerprint => {
                    same.item = item;
                    continue;
                }
                Some(other) => other.is_current = false,
                None => {}
            }
            versions.push(Version { item, is_current: true, attempts: Vec::new() });
        }
        Ok(())
    }

    /// Whether a submit may run an item: no other submit of the item may be open.
    pub(super) fn check(&self, entries: &[Entry], item: &ItemRef) -> Result<(), Error> {
        let kept = self.0.iter().find(|kept| kept.batch.name == item.batch);
        let versions = &kept.ok_or_else(|| unknown_batch(&item.batch))?.versions;
        let of_item: Vec<&Version> = versions.iter().filter(|version| version.item.id == item.id).collect();
        if of_item.is_empty() {
            return Err(unknown_item(item));
        }
        let is_of_item = |entry: &Entry| of_item.iter().any(|one| one.attempts.contains(&entry.attempt));
        match entries.iter().find(|entry| is_of_item(entry) && entry.state.is_open()) {
            Some(open) => Err(runs_already(item, open.attempt.as_str())),
            None => Ok(()),
        }
    }

    /// Adds a submit to the present version of an item.
    pub(super) fn claim(
        &mut self,
        entries: &[Entry],
        item: &ItemRef,
        attempt: &AttemptId,
    ) -> Result<(), Error> {
        self.check(entries, item)?;
        let kept = self.0.iter_mut().find(|kept| kept.batch.name == item.batch);
        let mut versions = kept.into_iter().flat_map(|kept| &mut kept.versions);
        let current = versions.find(|version| version.is_current && version.item.id == item.id);
        current.ok_or_else(|| unknown_item(item))?.attempts.push(attempt.clone());
        Ok(())
    }

    /// All submits of a batch.
    pub(super) fn attempts(&self, batch: &str) -> Result<impl Iterator<Item = &AttemptId>, Error> {
        let kept = self.0.iter().find(|kept| kept.batch.name == batch).ok_or_else(|| unknown_batch(batch))?;
        Ok(kept.versions.iter().flat_map(|version| &version.attempts))
    }

    pub(super) fn list(&self, entries: &[Entry]) -> Vec<BatchEntry> {
        let entry = |kept: &Kept| {
            let states = kept.items(entries).map(|item| item.entry.map(|entry| entry.state));
            BatchEntry::new(kept.batch.clone(), kept.created_ms, kept.opened_ms).counting(states)
        };
        self.0.iter().rev().map(entry).collect()
    }

    pub(super) fn items(&self, entries: &[Entry], batch: &str) -> Result<Vec<ItemEntry>, Error> {
        let kept = self.0.iter().find(|kept| kept.batch.name == batch);
        Ok(kept.ok_or_else(|| unknown_batch(batch))?.items(entries).collect())
    }

    /// The newest success with this fingerprint.
    pub(super) fn done(&self, entries: &[Entry], fingerprint: &Digest) -> Option<ItemEntry> {
        let newest = entries.iter().rev().filter(|entry| entry.state == State::Done);
        let mut of_item = newest.filter_map(|entry| {
            self.0.iter().find_map(|kept| {
                let mut versions = kept.versions.iter();
                let version = versions.find(|version| {
                    version.item.fingerprint == *fingerprint && version.attempts.contains(&entry.attempt)
                })?;
                Some(ItemEntry::new(&*kept.batch.name, version.item.clone(), Some(entry.clone())))
            })
        });
        of_item.next()
    }
}

impl Kept {
    /// The current versions, each with its deciding submit.
    fn items<'k>(&'k self, entries: &'k [Entry]) -> impl Iterator<Item = ItemEntry> + 'k {
        self.versions.iter().filter(|version| version.is_current).map(|current| {
            let of_item = self.versions.iter().filter(|version| version.item.id == current.item.id);
            let submits = of_item.flat_map(|version| {
                let of_version = entries.iter().enumerate();
                let of_version = of_version.filter(|(_, entry)| version.attempts.contains(&entry.attempt));
                of_version
                    .filter_map(|(at, entry)| Some((weight(version.is_current, entry.state)?, at, entry)))
            });
            let heaviest = submits.max_by_key(|(weight, at, _)| (*weight, *at));
            let entry = heaviest.map(|(.., entry)| entry.clone());
            ItemEntry::new(&*self.batch.name, current.item.clone(), entry)
        })
    }
}
