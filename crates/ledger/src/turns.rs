//! The order in which batches and single runs take slots of a shared key.

use serde::{Deserialize, Serialize};

use crate::{Ask, Held, Measure, Slots, slots::is_fresh};

/// The advance of a waiter of weight 1 with each turn. A waiter of weight `w` advances by its `w`-th part.
const STRIDE: u64 = 1 << 20;
/// After this many consecutive turns of single runs, a waiting batch gets the next one.
const SINGLES: u32 = 3;

/// A waiter's number.
pub type Ticket = u64;

/// The purpose of a waiter's slot.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A single run, which a user is waiting for. It goes before batches, which get one turn in four.
    Single,
    /// A batch.
    Batch,
}

/// A recurring user of a key's slots.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Waiter {
    /// Its number.
    pub ticket: Ticket,
    /// The purpose of its slots.
    pub class: Class,
    /// Its share; at least 1.
    pub weight: u32,
    /// Whether it wants a slot now. If not, it gets no turns, and saves up at most one.
    pub wants: bool,
    /// Its position: the waiter with the lowest one has the next turn.
    pub pass: u64,
    /// The time of its last request, in milliseconds since 1970.
    pub beat_ms: u64,
}

/// The waiters of a key. Plain data that a ledger stores, and changes in the transaction that claims a slot.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Turns {
    /// The waiters.
    pub waiters: Vec<Waiter>,
    /// Turns of single runs since the last one of a batch; not counted beyond the number that gives a batch the next one.
    pub singles: u32,
    /// The position of the last waiter before its turn, for each class.
    pub floor: [u64; 2],
}

impl Turns {
    /// Requests a slot while `held` of them are held, at a time in milliseconds since 1970. Returns whether the waiter
    /// gets it. If so, a single run leaves, and a batch rests until its next request.
    pub fn ask(&mut self, ticket: Ticket, ask: &Ask, held: u32, now_ms: u64) -> bool {
        self.at(now_ms);
        self.want(ticket, ask.class, ask.weight);
        if let Some(waiter) = self.waiters.iter_mut().find(|waiter| waiter.ticket == ticket) {
            waiter.beat_ms = now_ms;
        }
        let is_taken = held < ask.allowed && self.claim(ticket);
        match ask.class {
            Class::Single if is_taken => self.leave(ticket),
            Class::Batch if is_taken => self.rest(ticket),
            _ => {}
        }
        is_taken
    }

    /// Waiters without a recent request rest.
    pub fn at(&mut self, now_ms: u64) {
        for waiter in &mut self.waiters {
            waiter.wants &= is_fresh(waiter.beat_ms, now_ms);
        }
    }

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
            None => self.waiters.push(Waiter { ticket, class, weight, wants: true, pass: floor, beat_ms: 0 }),
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

    /// Takes the next turn for the waiter. Returns false, and changes nothing, if it is another's turn.
    pub fn claim(&mut self, ticket: Ticket) -> bool {
        let Some(at) = self.position() else { return false };
        let Some(waiter) = self.waiters.get_mut(at).filter(|waiter| waiter.ticket == ticket) else {
            return false;
        };
        let (class, pass) = (waiter.class, waiter.pass);
        waiter.pass = pass.saturating_add(STRIDE / u64::from(waiter.weight.max(1)));
        self.singles = if class == Class::Single { SINGLES.min(self.singles + 1) } else { 0 };
        if let Some(floor) = self.floor.get_mut(usize::from(class == Class::Batch)) {
            *floor = pass.max(*floor);
        }
        true
    }

    /// The queue as seen by a waiter. A resting one sees the same as one that hasn't entered.
    pub fn slots(&self, ticket: Option<Ticket>, held: Vec<Held>, measure: Option<Measure>) -> Slots {
        let others =
            self.waiters.iter().filter(|waiter| waiter.wants && Some(waiter.ticket) != ticket).count();
        let others = u32::try_from(others).unwrap_or(u32::MAX);
        let wants = self.waiters.iter().any(|waiter| waiter.wants && Some(waiter.ticket) == ticket);
        let is_next = if wants { self.next() == ticket } else { others == 0 };
        Slots { held, others, is_next, measure }
    }

    /// The position of a waiter that begins to want slots: that of the last one before its turn. With a higher one, a
    /// waiter that sometimes rests would never get a turn.
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

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::Index};

    use super::*;

    /// Takes turns, with each waiter wanting the next slot immediately, and returns their order.
    fn take(turns: &mut Turns, count: usize) -> Vec<u64> {
        let mut taken = Vec::new();
        for _ in 0..count {
            let ticket = turns.next().expect("some");
            assert!(turns.claim(ticket));
            taken.push(ticket);
        }
        taken
    }

    #[test]
    fn batches_share_by_weight() {
        let mut turns = Turns::default();
        turns.want(1, Class::Batch, 1);
        turns.want(2, Class::Batch, 3);
        let taken = take(&mut turns, 40);
        assert_eq!(taken.iter().filter(|ticket| **ticket == 2).count(), 30);
    }

    #[test]
    fn single_runs_go_first_and_batches_keep_one_turn_in_four() {
        let mut turns = Turns::default();
        turns.want(1, Class::Batch, 1);
        turns.want(2, Class::Single, 1);
        assert_eq!(take(&mut turns, 8), [2, 2, 2, 1, 2, 2, 2, 1]);
        turns.rest(2);
        assert_eq!(take(&mut turns, 2), [1, 1]);
    }

    #[test]
    fn an_idle_batch_does_not_block_others_and_saves_at_most_one_turn() {
        let mut turns = Turns::default();
        turns.want(1, Class::Batch, 1);
        turns.want(2, Class::Batch, 1);
        turns.rest(1);
        assert_eq!(take(&mut turns, 5), [2; 5]);
        assert!(!turns.claim(1), "it isn't its turn");
        turns.want(1, Class::Batch, 1);
        let taken = take(&mut turns, 20).into_iter().filter(|ticket| *ticket == 1).count();
        assert!((10..=11).contains(&taken), "{taken}");
        turns.leave(1);
        turns.rest(2);
        assert_eq!(turns.next(), None);
    }

    #[test]
    fn an_idle_waiter_does_not_block_others_and_may_return() {
        let mut turns = Turns::default();
        let ask = |allowed| Ask::new(None, Class::Single, allowed);
        let mut at =
            |ticket: u64, allowed: u32, seconds: u64| turns.ask(ticket, &ask(allowed), 0, seconds * 1_000);
        assert!(!at(1, 0, 0) && !at(2, 1, 10), "it is the turn of the first");
        assert!(at(2, 1, 31), "the first was stopped");
        assert!(!at(3, 0, 40) && at(1, 1, 50), "it has kept its place");
        assert!(!at(4, 1, 51) && at(3, 1, 52) && at(4, 1, 53));
    }

    #[test]
    fn turns_are_plain_data_for_a_ledger() {
        let mut turns = Turns::default();
        turns.want(1, Class::Single, 2);
        turns.claim(1);
        let text = serde_json::to_string(&turns).expect("some");
        assert_eq!(serde_json::from_str::<Turns>(&text).expect("some"), turns);
    }

    proptest! {
        #[test]
        fn no_waiter_starves(
            waiters in vec((any::<bool>(), 1..5_u32), 1..8),
            rests in vec(any::<Index>(), 0..200),
        ) {
            let mut turns = Turns::default();
            let class = |single: bool| if single { Class::Single } else { Class::Batch };
            let want = |turns: &mut Turns, ticket: usize| {
                let (single, weight) = waiters[ticket];
                turns.want(ticket as u64, class(single), weight);
            };
            (0..waiters.len()).for_each(|ticket| want(&mut turns, ticket));
            // The total weight, times four for batches behind single runs, plus one more for newcomers.
            let weights: u32 = waiters.iter().map(|(_, weight)| *weight).sum();
            let patience = 5 * (weights as usize + waiters.len());
            let mut waited = vec![0; waiters.len()];
            for rest in rests {
                let ticket = turns.next().expect("all want a slot");
                prop_assert!(turns.claim(ticket));
                for turns in &mut waited {
                    *turns += 1;
                }
                waited[usize::try_from(ticket).expect("a number")] = 0;
                // One of them wants nothing for a moment.
                let one = rest.index(waiters.len());
                turns.rest(one as u64);
                want(&mut turns, one);
                let any_batch = waiters.iter().any(|(single, _)| !single);
                for ((single, _), waited) in waiters.iter().zip(&waited) {
                    prop_assert!(*waited <= patience, "{waited} turns of others; single: {single}, batches: {any_batch}");
                }
            }
        }
    }
}
