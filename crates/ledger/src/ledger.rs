//! The interface of a ledger.

use std::fmt;

use async_trait::async_trait;
use runninghub_core::say;

use crate::{
    Ask, AttemptId, Batch, BatchEntry, Claim, Delivery, Digest, Entry, Error, ErrorKind, Filter, Intent,
    Item, ItemEntry, Measure, Pool, Salt, SlotFor, Slots, Spending, State, Step, Ticket,
    batch::{keeps_no_batches, unknown_batch},
};

/// The maximum number of kept deliveries per submit. A submit has one task, so more deliveries are forged by a sender
/// that knows its secret.
pub const MOST_DELIVERIES: usize = 16;

/// Records every submit and its outcome. A method's result is durable once the method returns.
///
/// An implementation must pass the suite of the feature `conformance`: `ledger_conformance!`. The rules are
/// implemented in [`Entry::new`], [`Entry::advance`], [`Entry::holds_key_of`] and [`Filter::matches`];
/// [`MemoryLedger`](crate::MemoryLedger) is the model.
///
/// # Shared by several processes
/// A process may end between the intent and the response. A ledger that outlives it stores with each submit the
/// process that made it, and checks whether that process is still alive. If it isn't, [`Ledger::entries`] returns the
/// submit as [`Entry::left_behind`] (before the filter is applied), and [`Ledger::advance`] continues from
/// [`State::left_behind`]. This doesn't require a write. The suite is `shared_ledger_conformance!`.
///
/// # Slots
/// A key runs a few tasks at once. A ledger may keep which submits hold its slots and who waits for one, so that
/// everything that shares the ledger shares the slots. By default a ledger keeps none: then a
/// submit waits only after a refusal, in a queue of its own process. The rules are [`State::has_slot`] and
/// [`Turns`](crate::Turns). The suites are `slots_conformance!` and `shared_slots_conformance!`.
///
/// # Batches
/// A ledger may keep batches: their items, and which submits run them. An item has one submit at a time that is not
/// over. By default a ledger keeps none. The suite is `batches_conformance!`.
#[async_trait]
pub trait Ledger: fmt::Debug + Send + Sync {
    /// Records that a create is about to be sent, before a byte of it is.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if the intent can't be stored; [`ErrorKind::Conflict`] if its item has a submit that is not
    /// over, or another submit holds its key ([`State::holds_key`]); [`ErrorKind::NotFound`] if there is no such item. Then nothing must be sent.
    async fn begin(&self, intent: Intent) -> Result<AttemptId, Error>;

    /// Takes one step, and returns the previous state. A step that was already taken changes nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Edge`] and [`ErrorKind::Conflict`] as in [`Step::applies`]; also a conflict if the task belongs to
    /// another submit. [`ErrorKind::NotFound`], [`ErrorKind::Store`].
    async fn advance(&self, attempt: &AttemptId, step: Step) -> Result<State, Error>;

    /// Records that all results of a task are in this folder.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] without a task; [`ErrorKind::Store`].
    async fn saved(&self, attempt: &AttemptId, folder: &str) -> Result<(), Error>;

    /// Records that this machine is about to request a task's cancellation, or that the request was refused.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] without a task; [`ErrorKind::Store`].
    async fn cancelling(&self, attempt: &AttemptId, is_cancelling: bool) -> Result<(), Error>;

    /// Records a webhook's delivery before the webhook gets a response: after a response it isn't delivered again. A
    /// known delivery changes nothing.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the submit doesn't exist; [`ErrorKind::Conflict`] if [`MOST_DELIVERIES`] of it are
    /// kept; [`ErrorKind::Store`].
    async fn keep_delivery(&self, delivery: &Delivery) -> Result<(), Error>;

    /// The stored deliveries, oldest submit first.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] and [`ErrorKind::Corrupt`].
    async fn deliveries(&self) -> Result<Vec<Delivery>, Error>;

    /// Removes a delivery that has been processed. An unknown delivery changes nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Store`].
    async fn forget_delivery(&self, delivery: &Delivery) -> Result<(), Error>;

    /// Entries that [match](Filter::matches), newest first, at most [`Filter::max`]. Submits of a dead process are
    /// returned as [`Entry::left_behind`].
    ///
    /// # Errors
    /// [`ErrorKind::Store`] and [`ErrorKind::Corrupt`].
    async fn entries(&self, filter: Filter) -> Result<Vec<Entry>, Error>;

    /// Stores a workflow in API format, so that submits of it can be repeated. Each is stored once, by its digest.
    ///
    /// # Errors
    /// [`ErrorKind::Store`].
    async fn keep_graph(&self, json: &str) -> Result<Digest, Error>;

    /// A stored workflow, by the digest of its JSON.
    ///
    /// # Errors
    /// [`ErrorKind::Store`].
    async fn graph(&self, digest: Digest) -> Result<Option<String>, Error>;

    /// Requests a slot, in one transaction: enters the queue, or shows that the waiter is still there; drops waiters
    /// whose process has ended; and if it is the waiter's turn and fewer than [`Ask::allowed`] slots are held, records
    /// the submit with its slot and the money that is set aside for it. The slot is free again with the step that leads
    /// to a state without [`State::has_slot`].
    ///
    /// # Errors
    /// As [`Ledger::begin`], and as [`Ledger::advance`] for a submit that waits. Then nothing must be sent.
    async fn claim(&self, _pool: &Pool, _ask: Ask, _slot_for: SlotFor) -> Result<Claim, Error> {
        Ok(Claim::NotKept)
    }

    /// Leaves the queue. An unknown ticket changes nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Store`].
    async fn leave(&self, _pool: &Pool, _ticket: Ticket) -> Result<(), Error> {
        Ok(())
    }

    /// The slots of a key and their queue; `None` if this ledger keeps no slots. It is cheap and writes nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] and [`ErrorKind::Corrupt`].
    async fn slots(&self, _pool: &Pool, _ticket: Option<Ticket>) -> Result<Option<Slots>, Error> {
        Ok(None)
    }

    /// Records a measure of the number of slots.
    ///
    /// # Errors
    /// [`ErrorKind::Store`].
    async fn measured(&self, _pool: &Pool, _measure: Measure) -> Result<(), Error> {
        Ok(())
    }

    /// Opens a batch: creates it, or updates the one with its name.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] if the batch of that name has another origin; [`ErrorKind::Store`]; by default
    /// [`ErrorKind::NotFound`], because the ledger keeps no batches.
    async fn open_batch(&self, _batch: Batch) -> Result<(), Error> {
        Err(keeps_no_batches())
    }

    /// All batches, the newest first.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] and [`ErrorKind::Corrupt`].
    async fn batches(&self) -> Result<Vec<BatchEntry>, Error> {
        Ok(Vec::new())
    }

    /// Stores items of a batch, all of them or none. An item with the same fingerprint as before keeps its submits;
    /// with another one it is a new version, without submits.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such batch; [`ErrorKind::Store`].
    async fn freeze(&self, batch: &str, _items: Vec<Item>) -> Result<(), Error> {
        Err(unknown_batch(batch))
    }

    /// The items of a batch, each with its deciding submit: an unfinished one, or else a successful one, or else the
    /// newest.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such batch; [`ErrorKind::Store`] and [`ErrorKind::Corrupt`].
    async fn items(&self, batch: &str) -> Result<Vec<ItemEntry>, Error> {
        Err(unknown_batch(batch))
    }

    /// The money of a batch, with all submits of all versions of its items.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such batch; [`ErrorKind::Store`] and [`ErrorKind::Corrupt`].
    async fn spending(&self, batch: &str) -> Result<Spending, Error> {
        Err(unknown_batch(batch))
    }

    /// Tells the process that runs a batch to start nothing more. Opening the batch again revokes that.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such batch; [`ErrorKind::Store`].
    async fn halt_batch(&self, batch: &str) -> Result<(), Error> {
        Err(unknown_batch(batch))
    }

    /// Whether a batch was halted since it was last opened.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such batch; [`ErrorKind::Store`].
    async fn is_halted(&self, batch: &str) -> Result<bool, Error> {
        Err(unknown_batch(batch))
    }

    /// Items of any batch that have succeeded with one of these fingerprints: for each the newest, in their order.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] and [`ErrorKind::Corrupt`].
    async fn done(&self, _fingerprints: Vec<Digest>) -> Result<Vec<ItemEntry>, Error> {
        Ok(Vec::new())
    }

    /// The salt for fingerprints of keys in this ledger.
    fn salt(&self) -> Salt;

    /// The only entry that matches the filter.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if no entry or more than one matches; otherwise as [`Ledger::entries`].
    async fn entry(&self, filter: Filter) -> Result<Entry, Error> {
        let mut entries = self.entries(filter.limit(2)).await?;
        match (entries.pop(), entries.pop()) {
            (Some(entry), None) => Ok(entry),
            (None, _) => Err(Error::new(ErrorKind::NotFound, say!("no such submit in the ledger"))),
            _ => Err(Error::new(ErrorKind::NotFound, say!("several submits match"))),
        }
    }
}
