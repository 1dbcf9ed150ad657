//! The slots of a key, and the queue of those that wait for one.

use runninghub_core::TaskId;
use serde::{Deserialize, Serialize};

use crate::{AttemptId, Class, Intent, State, Ticket};

/// How long a waiter counts that doesn't ask again. A stopped process holds up no other, and the machine may be busy.
const FRESH_MS: u64 = 30_000;
/// A time further ahead than any wait is from a clock that was set back.
const FURTHEST_MS: u64 = 10 * 60_000;

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

/// Asks for a slot. It enters the queue, and is repeated at least every ten seconds until it gets one: a waiter that
/// doesn't ask again, or whose process has ended, has no turn.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Ask {
    /// Its place in the queue, from the last [`Claim::Wait`]; `None` the first time.
    pub ticket: Option<Ticket>,
    /// What it wants a slot for.
    pub class: Class,
    /// Its share; at least 1.
    pub weight: u32,
    /// How many slots the submits of this ledger may hold. With 0 it only waits.
    pub allowed: u32,
}

impl Ask {
    /// Asks for a slot if fewer than `allowed` are held.
    pub fn new(ticket: Option<Ticket>, class: Class, allowed: u32) -> Self {
        Self { ticket, class, weight: 1, allowed }
    }

    /// Sets the share; the default is 1.
    #[must_use]
    pub fn weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }
}

/// What a slot is wanted for.
#[derive(Clone, Debug)]
pub enum SlotFor {
    /// A new submit, as in [`Ledger::begin`](crate::Ledger::begin).
    New(Intent),
    /// A submit that waits, as with [`Step::Sending`](crate::Step::Sending).
    Again(AttemptId),
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
        /// For the next ask of a batch. A single run has left the queue.
        ticket: Ticket,
    },
    /// It is the turn of another, or no slot is free.
    Wait(Ticket),
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
        self.state = self.state.left_behind().map_or(self.state, |(state, _)| state);
        self.is_left = true;
        self
    }
}

/// The slots of a key and the queue for them, as seen from one place in it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Slots {
    /// The slots in use, by their number.
    pub held: Vec<Held>,
    /// How many others want a slot now.
    pub others: u32,
    /// Whether the next free slot is for this place in the queue; without a place, whether nothing else wants one.
    pub is_next: bool,
    /// What is known of the number of slots.
    pub measure: Option<Measure>,
}

/// What is known of the number of slots. Everything that shares the ledger shares it.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Measure {
    /// How many tasks of the key may run at once, where the server says so.
    pub limit: Option<u32>,
    /// How many of them may be this ledger's; `None` while that isn't known.
    pub most: Option<u32>,
    /// Whether others were seen to use the key.
    pub shared: bool,
    /// When the server should be asked again, in milliseconds since 1970.
    pub due_ms: u64,
    /// Where the server doesn't say: when one slot more than `most` is tried, in milliseconds since 1970.
    pub probe_ms: u64,
}

impl Measure {
    /// Whether the server should be asked again at this time, in milliseconds since 1970.
    pub fn is_due(&self, now_ms: u64) -> bool {
        has_come(self.due_ms, now_ms)
    }

    /// Whether one slot more may be tried at this time, in milliseconds since 1970.
    pub fn is_probe_due(&self, now_ms: u64) -> bool {
        self.limit.is_none() && has_come(self.probe_ms, now_ms)
    }

    /// A slot was given back by a submit in this state. If its task has ended and others use the key, they may have taken
    /// it. A refusal shows nothing new.
    pub(crate) fn released(&mut self, from: State) {
        if self.shared && from == State::Accepted {
            self.due_ms = 0;
        }
    }
}

fn has_come(time: u64, now: u64) -> bool {
    time <= now || time - now > FURTHEST_MS
}

/// Whether a waiter that last asked at this time still waits.
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
        let measure = Measure { due_ms: 5_000_000, probe_ms: 5_000_000, ..Measure::default() };
        assert!(!measure.is_due(4_999_000) && measure.is_due(5_000_000) && measure.is_due(1_000_000));
        assert!(!measure.is_probe_due(4_999_000) && measure.is_probe_due(1_000_000));
        assert!(is_fresh(5_000, 6_000) && !is_fresh(5_000, 50_000) && !is_fresh(50_000, 5_000));
    }

    #[test]
    fn only_a_shared_key_is_measured_again_at_an_end() {
        let mut measure = Measure { due_ms: 9, ..Measure::default() };
        measure.released(State::Accepted);
        assert_eq!(measure.due_ms, 9);
        measure.shared = true;
        measure.released(State::Submitting);
        assert_eq!(measure.due_ms, 9);
        measure.released(State::Accepted);
        assert_eq!(measure.due_ms, 0);
    }
}
