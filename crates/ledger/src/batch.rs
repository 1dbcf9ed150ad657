//! Batches: many items that belong together, each with the submits that run it.

use runninghub_core::{Amount, Fact, Kind, Place, say};

use crate::{Digest, Entry, Error, ErrorKind, State};

/// The identity of a batch: target, source and results folder.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Batch {
    /// Its name, unique in a ledger.
    pub name: String,
    /// The origin of its items. The same origin means the same batch.
    pub origin: String,
    /// The digest of the items' source when it was last read.
    pub spec: Digest,
    /// Where it runs.
    pub place: Place,
    /// The kind of task.
    pub kind: Kind,
    /// The id of the workflow or app, the endpoint of the model, or the digest of the graph.
    pub target: String,
    /// The folder of its results.
    pub folder: Option<String>,
    /// The limits that it ran within last, as JSON. A ledger doesn't read it.
    pub limits: Option<String>,
}

/// A batch in a ledger.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct BatchEntry {
    /// The batch.
    pub batch: Batch,
    /// When it was first opened: milliseconds since 1970 by this machine's clock.
    pub created_ms: u64,
    /// When it was last opened, by the same clock.
    pub opened_ms: u64,
    /// The number of its items by state, in the order of [`State::ALL`]; `None` for those without a submit.
    pub counts: Vec<(Option<State>, usize)>,
}

/// An item in its normal form. A ledger stores it verbatim: another fingerprint means another version of the item, and
/// submits of the old one don't count for it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Item {
    /// Its id, unique within the batch.
    pub id: String,
    /// The digest of what it runs.
    pub fingerprint: Digest,
    /// Everything else about it, as JSON that a ledger doesn't parse.
    pub body: String,
}

/// An item in a ledger, with its deciding submit.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ItemEntry {
    /// The name of its batch.
    pub batch: String,
    /// The item.
    pub item: Item,
    /// Its submit; `None` if it has none yet.
    pub entry: Option<Entry>,
}

/// Names an item of a batch.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub struct ItemRef {
    /// The batch.
    pub batch: String,
    /// The item's id.
    pub id: String,
}

/// The money of a batch.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Spending {
    /// The cost of its tasks. A task of unknown cost counts as the amount set aside for it.
    pub spent: Amount,
    /// The amount set aside for unfinished submits.
    pub reserved: Amount,
}

/// Money set aside for a submit of a batch, until the cost of its task is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Escrow {
    /// The possible cost of the task; `None` if unknown: then everything left is set aside.
    pub reserve: Option<Amount>,
    /// The most that the whole batch may cost.
    pub max: Amount,
}

impl Escrow {
    /// Sets aside the possible cost of a task, out of the batch's limit.
    pub fn new(reserve: Option<Amount>, max: Amount) -> Self {
        Self { reserve, max }
    }

    /// The assumed cost of a task if the platform doesn't report one.
    pub(crate) fn guess(self) -> Amount {
        self.reserve.unwrap_or_default()
    }

    /// The amount to set aside if this much is already spent; `None` if it exceeds the rest.
    pub fn of(self, spending: Spending) -> Option<Amount> {
        let used = spending.spent.plus(spending.reserved);
        match self.reserve {
            Some(reserve) => (used.plus(reserve) <= self.max).then_some(reserve),
            None => Some(self.max.minus(used)).filter(|left| *left > Amount::ZERO),
        }
    }
}

impl Spending {
    /// For submits in this state: the actual or assumed cost of their tasks, and the amount set aside.
    pub(crate) fn with(self, state: State, spent: Amount, reserve: Amount) -> Self {
        if state.is_open() {
            Self { reserved: self.reserved.plus(reserve), ..self }
        } else if matches!(state, State::Done | State::Failed | State::Cancelled | State::Gone) {
            Self { spent: self.spent.plus(spent), ..self }
        } else {
            self
        }
    }

    /// An amount spent, and an amount set aside.
    pub fn new(spent: Amount, reserved: Amount) -> Self {
        Self { spent, reserved }
    }
}

impl Batch {
    /// A batch of items from `origin`, whose content has the digest `spec`.
    pub fn new(
        name: impl Into<String>,
        origin: impl Into<String>,
        spec: Digest,
        (place, kind, target): (Place, Kind, impl Into<String>),
    ) -> Self {
        let (name, origin, target) = (name.into(), origin.into(), target.into());
        Self { name, origin, spec, place, kind, target, folder: None, limits: None }
    }

    /// Sets the folder of its results.
    #[must_use]
    pub fn folder(self, folder: impl Into<String>) -> Self {
        Self { folder: Some(folder.into()), ..self }
    }

    /// Sets the limits that it runs within.
    #[must_use]
    pub fn limits(self, limits: impl Into<String>) -> Self {
        Self { limits: Some(limits.into()), ..self }
    }
}

impl BatchEntry {
    /// A batch opened at these times, without counts.
    pub fn new(batch: Batch, created_ms: u64, opened_ms: u64) -> Self {
        Self { batch, created_ms, opened_ms, counts: Vec::new() }
    }

    /// Counts items by the state of their submits.
    #[must_use]
    pub fn counting(self, states: impl IntoIterator<Item = Option<State>>) -> Self {
        let states: Vec<_> = states.into_iter().collect();
        let all = std::iter::once(None).chain(State::ALL.into_iter().map(Some));
        let count = |state| (state, states.iter().filter(|found| **found == state).count());
        Self { counts: all.map(count).filter(|(_, count)| *count > 0).collect(), ..self }
    }
}

impl Item {
    /// An item with the digest of what it runs.
    pub fn new(id: impl Into<String>, fingerprint: Digest, body: impl Into<String>) -> Self {
        Self { id: id.into(), fingerprint, body: body.into() }
    }
}

impl ItemEntry {
    /// An item with its submit.
    pub fn new(batch: impl Into<String>, item: Item, entry: Option<Entry>) -> Self {
        Self { batch: batch.into(), item, entry }
    }
}

impl ItemRef {
    /// An item of a batch.
    pub fn new(batch: impl Into<String>, id: impl Into<String>) -> Self {
        Self { batch: batch.into(), id: id.into() }
    }
}

/// The rank of a submit in deciding its item's state; `None` if it no longer counts. `is_current` distinguishes submits
/// of the item's current version from earlier ones. Among equal ranks, the newest counts.
///
/// A submit that isn't over comes first, whatever its version: an item has one at a time. Then a success, because later
/// failures take nothing away from it.
pub(crate) fn weight(is_current: bool, state: State) -> Option<u8> {
    match (is_current, state) {
        (_, state) if state.is_open() => Some(2),
        (true, State::Done) => Some(1),
        (true, _) => Some(0),
        (false, _) => None,
    }
}

pub(crate) fn unknown_batch(name: &str) -> Error {
    Error::new(ErrorKind::NotFound, say!("batch `{name}` not found", name))
        .with_hint(say!("list the batches to see their names"))
}

pub(crate) fn unknown_item(item: &ItemRef) -> Error {
    let what = say!("the batch `{batch}` has no item `{id}`", batch = &*item.batch, id = &*item.id);
    Error::new(ErrorKind::NotFound, what).with_hint(say!("list the batches to see their names"))
}

pub(crate) fn name_is_taken(batch: &Batch, origin: &str) -> Error {
    let what = say!(
        "the batch `{name}` already exists, from {origin}",
        name = &*batch.name,
        origin = Fact::from(origin)
    );
    Error::new(ErrorKind::Conflict, what).with_hint(say!("give the new batch another name"))
}

pub(crate) fn runs_already(item: &ItemRef, attempt: &str) -> Error {
    let what = say!(
        "item `{id}` of the batch `{batch}` has an unfinished submit: {attempt}",
        id = &*item.id,
        batch = &*item.batch,
        attempt
    );
    Error::new(ErrorKind::Conflict, what)
}

pub(crate) fn keeps_no_batches() -> Error {
    Error::new(ErrorKind::NotFound, say!("this ledger keeps no batches"))
}
