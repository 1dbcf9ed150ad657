//! The slots of a key, and the queue of those that wait for one.

use runninghub_core::TaskId;

use crate::{AttemptId, Class, Escrow, Intent, ItemRef, Measure, Spending, State, Ticket};

/// How long a waiter is valid without asking again: short enough that a stopped process doesn't block others, long
/// enough for a busy machine.
const FRESH_MS: u64 = 30_000;

/// A key at a place: its tasks share slots.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub struct Pool {
    /// The place's base URL.
    pub url: String,
    /// The key's fingerprint, as in [`Intent::key`].
    pub key: String,
}

impl Pool {
    /// The slots of a key, given by its [fingerprint](crate::Salt::fingerprint), at a base URL.
    pub fn new(url: impl Into<String>, key: impl Into<String>) -> Self {
        Self { url: url.into(), key: key.into() }
    }

    /// The slots that a submit uses.
    pub fn of(intent: &Intent) -> Self {
        Self::new(intent.place.url(), &*intent.key)
    }
}

/// A request for a slot. The first one enters the queue. It is repeated at least every ten seconds until it gets a
/// slot: a waiter that doesn't ask again, or whose process has ended, gets no turn.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Ask {
    /// Its ticket from the last [`Claim::Wait`]; `None` the first time.
    pub ticket: Option<Ticket>,
    /// The purpose of the slot.
    pub class: Class,
    /// Its share; at least 1.
    pub weight: u32,
    /// The number of slots that this ledger's submits may hold. With 0 it only waits.
    pub allowed: u32,
    /// Money to set aside for a new submit of a batch.
    pub escrow: Option<Escrow>,
}

impl Ask {
    /// Requests a slot if fewer than `allowed` are held.
    pub fn new(ticket: Option<Ticket>, class: Class, allowed: u32) -> Self {
        Self { ticket, class, weight: 1, allowed, escrow: None }
    }

    /// Sets the share; the default is 1.
    #[must_use]
    pub fn weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// Sets money aside, in the same transaction.
    #[must_use]
    pub fn escrow(mut self, escrow: Option<Escrow>) -> Self {
        self.escrow = escrow;
        self
    }
}

/// The purpose of a slot.
#[derive(Clone, Debug)]
pub enum SlotFor {
    /// A new submit, as in [`Ledger::begin`](crate::Ledger::begin).
    New(Box<Intent>),
    /// A submit that waits, as with [`Step::Sending`](crate::Step::Sending).
    Again(AttemptId),
}

impl SlotFor {
    /// The item of a batch that a new submit runs.
    pub fn item(&self) -> Option<&ItemRef> {
        match self {
            Self::New(intent) => intent.item.as_deref(),
            Self::Again(_) => None,
        }
    }
}

/// The response to an [`Ask`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Claim {
    /// This ledger keeps no slots. Nothing has changed.
    NotKept,
    /// The submit has a slot and is being sent.
    Taken {
        /// The submit.
        attempt: AttemptId,
        /// The number of its slot, from 0: the smallest one that was free.
        slot: u32,
        /// For a batch's next request. A single run has left the queue.
        ticket: Ticket,
    },
    /// It is the turn of another, or no slot is free.
    Wait(Ticket),
    /// The [`Escrow`] exceeds the rest of the batch's limit. Nothing has changed.
    TooExpensive(Spending),
}

/// A slot in use. It is held by a submit and not by a process: it is free when the submit is over, refused or resolved.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Held {
    /// Its number, from 0.
    pub slot: u32,
    /// The submit that holds it.
    pub attempt: AttemptId,
    /// The submit's state.
    pub state: State,
    /// Its task, once it exists.
    pub task: Option<TaskId>,
    /// Since when it is held, in milliseconds since 1970.
    pub since_ms: u64,
    /// Whether the process that made the submit has ended.
    pub is_left: bool,
}

impl Held {
    /// A slot that a submit has held since this time.
    pub fn new(slot: u32, attempt: AttemptId, state: State, task: Option<TaskId>, since_ms: u64) -> Self {
        Self { slot, attempt, state, task, since_ms, is_left: false }
    }

    /// The same after the process that made the submit has ended: [`State::left_behind`].
    #[must_use]
    pub fn left_behind(mut self) -> Self {
        self.state = self.state.left_behind(false).map_or(self.state, |(state, _)| state);
        self.is_left = true;
        self
    }
}

/// The slots of a key and their queue, as seen from one position.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Slots {
    /// The slots in use, by their number.
    pub held: Vec<Held>,
    /// The number of other waiters that want a slot now.
    pub others: u32,
    /// Whether the next free slot is for this position; without a position, or while it rests, whether no one else
    /// wants a slot.
    pub is_next: bool,
    /// The measure of the number of slots.
    pub measure: Option<Measure>,
}

impl Slots {
    /// How many slots are in use.
    pub fn count(&self) -> u32 {
        count(self.held.len())
    }

    /// The number of slots used by submits that have, or may have, a task.
    pub fn running(&self) -> u32 {
        count(self.held.iter().filter(|held| held.state != State::Submitting).count())
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Whether a waiter whose last request was at this time still waits.
pub(crate) fn is_fresh(beat_ms: u64, now_ms: u64) -> bool {
    now_ms.abs_diff(beat_ms) <= FRESH_MS
}

/// The smallest number that isn't taken.
pub(crate) fn first_free(taken: impl IntoIterator<Item = u32>) -> u32 {
    let mut taken: Vec<u32> = taken.into_iter().collect();
    taken.sort_unstable();
    taken.into_iter().fold(0, |free, slot| if slot == free { free + 1 } else { free })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_gets_the_smallest_free_number() {
        assert_eq!(first_free([]), 0);
        assert_eq!(first_free([2, 0]), 1);
        assert_eq!(first_free([1, 0, 2]), 3);
    }

    #[test]
    fn a_clock_that_was_set_back_stops_nothing() {
        assert!(is_fresh(5_000, 6_000) && !is_fresh(5_000, 50_000) && !is_fresh(50_000, 5_000));
    }
}
