//! The order in which batches and single runs take slots of a shared key.

use serde::{Deserialize, Serialize};

/// The advance of a waiter of weight 1 with each turn. A waiter of weight `w` advances by its `w`-th part.
const STRIDE: u64 = 1 << 20;
/// After so many turns of single runs in a row, a batch that wants a slot has the next one.
const SINGLES: u32 = 3;

/// A waiter's number.
pub type Ticket = u64;

/// What a waiter wants a slot for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A single run, which a user is waiting for. It goes before batches, which keep one turn in four.
    Single,
    /// A batch.
    Batch,
}

/// Something that takes slots of a key again and again.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Waiter {
    /// Its number.
    pub ticket: Ticket,
    /// What it wants slots for.
    pub class: Class,
    /// Its share; at least 1.
    pub weight: u32,
    /// Whether it wants a slot now. One that doesn't has no turn, and saves up one at most.
    pub wants: bool,
    /// How far it has advanced: the one that is least far has the next turn.
    pub pass: u64,
}

/// The waiters of a key. It is plain data: a ledger keeps it, and changes it in the transaction that claims a slot.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Turns {
    /// The waiters.
    pub waiters: Vec<Waiter>,
    /// Turns of single runs since the last one of a batch.
    pub singles: u32,
    /// How far the last one with a turn had advanced before it, for each class.
    pub floor: [u64; 2],
}

impl Turns {
    /// The waiter wants a slot now; it is added if it isn't there yet.
    pub fn want(&mut self, ticket: Ticket, class: Class, weight: u32) {
        let floor = self.floor(class);
        match self.waiters.iter_mut().find(|waiter| waiter.ticket == ticket) {
            Some(waiter) => {
                if !waiter.wants {
                    waiter.pass = waiter.pass.max(floor);
                }
                (waiter.wants, waiter.class, waiter.weight) = (true, class, weight);
            }
            None => self.waiters.push(Waiter { ticket, class, weight, wants: true, pass: floor }),
        }
    }

    /// The waiter wants no slot at the moment.
    pub fn rest(&mut self, ticket: Ticket) {
        if let Some(waiter) = self.waiters.iter_mut().find(|waiter| waiter.ticket == ticket) {
            waiter.wants = false;
        }
    }

    /// The waiter is gone.
    pub fn leave(&mut self, ticket: Ticket) {
        self.waiters.retain(|waiter| waiter.ticket != ticket);
    }

    /// The waiter with the next turn, among those that want a slot now.
    pub fn next(&self) -> Option<Ticket> {
        self.position().and_then(|at| self.waiters.get(at)).map(|waiter| waiter.ticket)
    }

    /// Takes the next turn for the waiter. Returns false, and changes nothing, if it is the turn of another.
    pub fn claim(&mut self, ticket: Ticket) -> bool {
        let Some(at) = self.position() else { return false };
        let Some(waiter) = self.waiters.get_mut(at).filter(|waiter| waiter.ticket == ticket) else {
            return false;
        };
        let (class, pass) = (waiter.class, waiter.pass);
        waiter.pass = pass.saturating_add(STRIDE / u64::from(waiter.weight.max(1)));
        self.singles = if class == Class::Single { self.singles.saturating_add(1) } else { 0 };
        if let Some(floor) = self.floor.get_mut(usize::from(class == Class::Batch)) {
            *floor = pass.max(*floor);
        }
        true
    }

    /// How far a waiter has advanced that begins to want slots: as far as the last one before its turn. Further, and one
    /// that rests now and then would never have a turn.
    fn floor(&self, class: Class) -> u64 {
        self.floor.get(usize::from(class == Class::Batch)).copied().unwrap_or_default()
    }

    fn position(&self) -> Option<usize> {
        let first = |class: Class| {
            let waiting =
                self.waiters.iter().enumerate().filter(|(_, waiter)| waiter.wants && waiter.class == class);
            waiting.min_by_key(|(_, waiter)| (waiter.pass, waiter.ticket)).map(|(at, _)| at)
        };
        let (single, batch) = (first(Class::Single), first(Class::Batch));
        if self.singles >= SINGLES { batch.or(single) } else { single.or(batch) }
    }
}
