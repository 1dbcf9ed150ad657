//! What a ledger has to be able to do.

use std::fmt;

use async_trait::async_trait;

use crate::{AttemptId, Delivery, Entry, Error, ErrorKind, Filter, Intent, Salt, State, Step};

/// How many deliveries of one submit are kept at once. It has one task: more are made up by somebody who knows its secret.
pub const MOST_DELIVERIES: usize = 16;

/// Keeps every submit and what came of it. Whatever a method has answered is durable.
///
/// An implementation has to pass the suite of the feature `conformance`: `ledger_conformance!`. [`Entry::new`],
/// [`Entry::advance`] and [`Filter::matches`] are what the rules come down to; [`MemoryLedger`](crate::MemoryLedger) is the
/// model.
///
/// # Shared by several processes
/// A process may end between the intent and the answer. A ledger that outlives it stores with each submit which process
/// made it, and finds out whether that one still lives. Where it doesn't, [`Ledger::entries`] gives the submit as
/// [`Entry::left_behind`] (before it is held against the filter), and [`Ledger::advance`] goes on from
/// [`State::left_behind`]. Nothing has to be written down for that. The suite is `shared_ledger_conformance!`.
#[async_trait]
pub trait Ledger: fmt::Debug + Send + Sync {
    /// Writes down that a create is going to be sent, before a byte of it is.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] where that cannot be kept: then nothing must be sent.
    async fn begin(&self, intent: Intent) -> Result<AttemptId, Error>;

    /// Takes one step, and tells where the submit stood before. A step that was taken before changes nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Edge`] and [`ErrorKind::Conflict`] as [`Step::applies`] says; a conflict also where the task
    /// belongs to another submit. [`ErrorKind::NotFound`], [`ErrorKind::Store`].
    async fn advance(&self, attempt: &AttemptId, step: Step) -> Result<State, Error>;

    /// Writes down that all results of a task are in this folder.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] without a task; [`ErrorKind::Store`].
    async fn saved(&self, attempt: &AttemptId, folder: &str) -> Result<(), Error>;

    /// Writes down that this machine is about to ask for a task to be cancelled, or that the request was refused.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] without a task; [`ErrorKind::Store`].
    async fn cancelling(&self, attempt: &AttemptId, is_cancelling: bool) -> Result<(), Error>;

    /// Writes down what a webhook's delivery says, before it is answered: what was answered is not delivered again. One that
    /// is there already changes nothing.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] without such a submit; [`ErrorKind::Conflict`] where [`MOST_DELIVERIES`] of it are kept;
    /// [`ErrorKind::Store`].
    async fn keep_delivery(&self, delivery: &Delivery) -> Result<(), Error>;

    /// The deliveries that are kept: the oldest submit first.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] and [`ErrorKind::Corrupt`].
    async fn deliveries(&self) -> Result<Vec<Delivery>, Error>;

    /// Forgets a delivery that was looked into. One that is not there changes nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Store`].
    async fn forget_delivery(&self, delivery: &Delivery) -> Result<(), Error>;

    /// Entries that [match](Filter::matches), the newest first, [so many](Filter::max) at most. What a dead process has left
    /// is in them as [`Entry::left_behind`].
    ///
    /// # Errors
    /// [`ErrorKind::Store`] and [`ErrorKind::Corrupt`].
    async fn entries(&self, filter: Filter) -> Result<Vec<Entry>, Error>;

    /// For fingerprints of keys in this ledger.
    fn salt(&self) -> Salt;

    /// The one entry that the filter means.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] where there is none, or more than one; as [`Ledger::entries`].
    async fn entry(&self, filter: Filter) -> Result<Entry, Error> {
        let mut entries = self.entries(filter.limit(2)).await?;
        match (entries.pop(), entries.pop()) {
            (Some(entry), None) => Ok(entry),
            (None, _) => Err(Error::new(ErrorKind::NotFound, "there is no such submit in the ledger")),
            _ => Err(Error::new(ErrorKind::NotFound, "more than one submit is meant")),
        }
    }
}
