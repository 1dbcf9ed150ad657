//! The records of a batch in the ledger and its results folder.

use std::{
    env,
    path::{Path, PathBuf},
};

use runninghub::{
    answer, holds_results,
    ledger::{BatchEntry, Digest, Entry, Filter, ItemEntry, Ledger, State},
    say,
};
use runninghub_batch::{Head, Item, ItemId, ItemState, Past, Recorded, Results, Target};

use super::source::Read;
use crate::exit::Error;

/// Maximum number of recent runs of a target used for an estimate.
const PAST: usize = 200;

/// A batch before this run.
pub(super) struct Before {
    /// Its name.
    pub(super) name: String,
    /// Whether it was opened before.
    pub(super) known: Option<BatchEntry>,
    /// Its items in the ledger.
    pub(super) kept: Vec<ItemEntry>,
    /// The folder of its results, if known.
    pub(super) results: Option<Results>,
}

/// Finds the batch of a source: by the given name, or else by its origin.
pub(super) async fn look(
    ledger: &dyn Ledger,
    (read, target): (&Read, &Target),
    name: Option<&str>,
    out: Option<&Path>,
) -> Result<Before, Error> {
    let batches = ledger.batches().await?;
    let origin = read.origin.text(&target.kind, &target.id);
    let (name, known) = match name {
        // The name identifies the batch, wherever its rows come from now.
        Some(name) => (name.to_owned(), batches.into_iter().find(|entry| entry.batch.name == name)),
        None => match batches.iter().position(|entry| entry.batch.origin == origin) {
            Some(at) => {
                let known = batches.into_iter().nth(at);
                (known.as_ref().map(|entry| entry.batch.name.clone()).unwrap_or_default(), known)
            }
            None => (free(&read.origin.name(), &batches), None),
        },
    };
    let kept = match &known {
        Some(_) => ledger.items(&name).await?,
        None => Vec::new(),
    };
    let folder = match (out, &known) {
        (Some(out), _) => Some(absolute(out)),
        (None, Some(known)) => known.batch.folder.as_ref().map(PathBuf::from),
        (None, None) => None,
    };
    let results = open(folder, &name, read.source.spec, target.clone())?;
    Ok(Before { name, known, kept, results })
}

/// The folder of the results, if there is one.
fn open(
    folder: Option<PathBuf>,
    batch: &str,
    spec: Digest,
    target: Target,
) -> Result<Option<Results>, Error> {
    folder.map(|folder| Results::open(folder, head(batch, spec, target))).transpose().map_err(|error| {
        let hint = error.hint();
        let error = Error::usage(error.sentence());
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    })
}

/// The common prefix of a batch's lists of results.
pub(super) fn head(batch: &str, spec: Digest, target: Target) -> Head {
    Head { batch: batch.to_owned(), spec, target, version: env!("CARGO_PKG_VERSION").to_owned() }
}

/// All records of a batch in the ledger.
pub(super) async fn known(
    ledger: &dyn Ledger,
    known: BatchEntry,
    out: Option<&Path>,
) -> Result<Before, Error> {
    let name = known.batch.name.clone();
    let kept = ledger.items(&name).await?;
    let stored = &known.batch;
    let folder = out.map(absolute).or_else(|| stored.folder.as_ref().map(PathBuf::from));
    let target = Target { place: stored.place.clone(), kind: stored.kind.clone(), id: stored.target.clone() };
    let results = open(folder, &name, stored.spec, target)?;
    Ok(Before { name, known: Some(known), kept, results })
}

/// The batch of this name in the ledger.
pub(super) async fn batch(ledger: &dyn Ledger, name: &str) -> Result<BatchEntry, Error> {
    let found = ledger.batches().await?.into_iter().find(|entry| entry.batch.name == name);
    found.ok_or_else(|| {
        Error::usage(say!("batch `{name}` not found", name)).hint(say!("list the batches to see their names"))
    })
}

/// A name that no batch has.
fn free(name: &str, batches: &[BatchEntry]) -> String {
    let is_free = |name: &String| batches.iter().all(|entry| entry.batch.name != *name);
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    std::iter::once(name.to_owned()).chain(numbered).find(is_free).unwrap_or_default()
}

fn absolute(path: &Path) -> PathBuf {
    // Without a current folder the path stays as it is.
    env::current_dir().map_or_else(|_| path.to_owned(), |here| here.join(path))
}

impl Before {
    /// The items of the ledger, prepared for comparison with the source.
    pub(super) fn recorded(&self) -> Vec<Recorded> {
        self.kept.iter().map(|kept| self.one(kept)).collect()
    }

    fn one(&self, kept: &ItemEntry) -> Recorded {
        let mut recorded = Recorded::of(kept);
        let id = ItemId::from(kept.item.id.as_str());
        let record = self.results.as_ref().and_then(|results| results.record(&id));
        let record = record.filter(|record| record.fingerprint == kept.item.fingerprint);
        // It has no submit, but the results of an equal row.
        if recorded.state == ItemState::Ready && record.is_some_and(|record| record.state == ItemState::Done)
        {
            recorded.state = ItemState::Done;
        }
        if recorded.state == ItemState::Done {
            let record = record.filter(|record| record.state == ItemState::Done);
            let of_folder = self.results.as_ref().zip(record);
            let of_folder = of_folder.and_then(|(results, record)| record.has_files(results.folder()));
            recorded.has_files = match (of_folder, &kept.entry) {
                (Some(has_files), _) => has_files,
                // Nothing was saved, which is fine as long as there is no folder.
                (None, Some(entry)) if entry.saved.is_none() => self.results.is_none(),
                (None, Some(entry)) => has_results(entry),
                (None, None) => false,
            };
        }
        if recorded.class.is_none() {
            recorded.class = record.and_then(|record| record.error.as_ref()).map(|error| error.class.clone());
        }
        recorded
    }

    /// The item in the ledger.
    pub(super) fn item(&self, id: &ItemId) -> Option<Item> {
        let kept = self.kept.iter().find(|kept| kept.item.id == id.as_str())?;
        Item::thawed(&kept.item).ok()
    }

    /// The items that may or may not have a task.
    pub(super) fn unknown(&self) -> impl Iterator<Item = (&str, &Entry)> {
        let of = |kept: &'_ ItemEntry| kept.entry.as_ref().is_some_and(|entry| entry.state == State::Unknown);
        let unknown = self.kept.iter().filter(move |kept| of(kept));
        unknown.filter_map(|kept| Some((&*kept.item.id, kept.entry.as_ref()?)))
    }

    /// Costs and durations of earlier runs of the target: in this batch, and in others on this machine.
    pub(super) async fn past(&self, ledger: &dyn Ledger, target: &Target) -> Result<Past, Error> {
        let mut past = Past::default();
        let done = Filter::all().runs(&target.kind, &*target.id).limit(PAST);
        let is_done = |entry: &Entry| entry.state == State::Done;
        let own = self.kept.iter().rev().filter(|kept| kept.entry.as_ref().is_some_and(is_done)).take(PAST);
        let is_own = |entry: &Entry| entry.intent.item.as_ref().is_some_and(|item| item.batch == self.name);
        for entry in ledger.entries(done).await?.iter().filter(|entry| !is_own(entry)) {
            if is_done(entry) && entry.intent.place == target.place {
                past.add(None, charge(entry).as_ref());
            }
        }
        for kept in own {
            let instance = Item::thawed(&kept.item).ok().and_then(|item| item.instance);
            past.add(instance.as_deref(), kept.entry.as_ref().and_then(charge).as_ref());
        }
        Ok(past)
    }
}

/// The cost of a submit's task.
pub(super) fn charge(entry: &Entry) -> Option<runninghub::Charge> {
    let currency = answer::currency(&entry.intent.place);
    entry.cost.clone().map(|cost| runninghub::Charge::new(cost, currency))
}

/// Whether all saved results of a submit still exist.
pub(super) fn has_results(entry: &Entry) -> bool {
    entry.saved.as_ref().zip(entry.task.as_ref()).is_some_and(|(folder, task)| holds_results(folder, task))
}
