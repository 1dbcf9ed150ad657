//! Slots in memory: the model for those of other ledgers.

use std::collections::BTreeMap;

use super::{Kept, now_ms, sent_already, unknown_attempt};
use crate::{
    Ask, AttemptId, Claim, Entry, Error, Held, Measure, Pool, SlotFor, Slots, State, Step, Ticket, Turns,
    slots::first_free,
};

/// The slots of all keys.
#[derive(Debug, Default)]
pub(super) struct Pools(BTreeMap<Pool, KeptSlots>);

/// The slots of a key.
#[derive(Clone, Debug, Default)]
struct KeptSlots {
    /// The number of a slot, the submit that holds it, and since when.
    held: Vec<(u32, AttemptId, u64)>,
    turns: Turns,
    tickets: Ticket,
    measure: Option<Measure>,
}

impl Kept {
    pub(super) fn claim(&mut self, pool: &Pool, ask: &Ask, slot_for: SlotFor) -> Result<Claim, Error> {
        // Kept only if nothing fails.
        let mut slots = self.pools.0.get(pool).cloned().unwrap_or_default();
        if let SlotFor::Again(attempt) = &slot_for {
            let entry =
                self.entries.iter().find(|entry| entry.attempt == *attempt).ok_or_else(unknown_attempt)?;
            if !Step::Sending.applies(entry.state, entry.task.as_ref())? {
                return Err(sent_already());
            }
        }
        let mut set_aside = None;
        if let (Some(item), Some(escrow)) = (slot_for.item(), ask.escrow) {
            let spending = self.spending(&item.batch)?;
            let Some(reserve) = escrow.of(spending) else { return Ok(Claim::TooExpensive(spending)) };
            set_aside = Some((reserve, escrow.guess()));
        }
        slots.tickets += u64::from(ask.ticket.is_none());
        let (ticket, now) = (ask.ticket.unwrap_or(slots.tickets), now_ms());
        let held = u32::try_from(slots.held.len()).unwrap_or(u32::MAX);
        let claim = if slots.turns.ask(ticket, ask, held, now) {
            let attempt = match slot_for {
                SlotFor::New(intent) => self.begin(*intent)?,
                SlotFor::Again(attempt) => {
                    self.advance(&attempt, Step::Sending)?;
                    attempt
                }
            };
            let slot = first_free(slots.held.iter().map(|(slot, ..)| *slot));
            self.reserves.extend(set_aside.map(|money| (attempt.clone(), money)));
            slots.held.push((slot, attempt.clone(), now));
            slots.held.sort_unstable_by_key(|(slot, ..)| *slot);
            Claim::Taken { attempt, slot, ticket }
        } else {
            Claim::Wait(ticket)
        };
        self.pools.0.insert(pool.clone(), slots);
        Ok(claim)
    }
}

impl Pools {
    /// Frees the slot of a submit that was in this state.
    pub(super) fn release(&mut self, attempt: &AttemptId, from: State) {
        for slots in self.0.values_mut() {
            let before = slots.held.len();
            slots.held.retain(|(_, holder, _)| holder != attempt);
            if slots.held.len() < before
                && let Some(measure) = &mut slots.measure
            {
                measure.released(from);
            }
        }
    }

    pub(super) fn leave(&mut self, pool: &Pool, ticket: Ticket) {
        if let Some(slots) = self.0.get_mut(pool) {
            slots.turns.leave(ticket);
        }
    }

    pub(super) fn slots(&self, entries: &[Entry], pool: &Pool, ticket: Option<Ticket>, now_ms: u64) -> Slots {
        let mut slots = self.0.get(pool).cloned().unwrap_or_default();
        slots.turns.at(now_ms);
        let held = slots.held.iter().filter_map(|(slot, attempt, since)| {
            let entry = entries.iter().find(|entry| entry.attempt == *attempt)?;
            Some(Held::new(*slot, attempt.clone(), entry.state, entry.task.clone(), *since))
        });
        slots.turns.slots(ticket, held.collect(), slots.measure)
    }

    pub(super) fn measured(&mut self, pool: &Pool, measure: Measure) {
        self.0.entry(pool.clone()).or_default().measure = Some(measure);
    }
}
