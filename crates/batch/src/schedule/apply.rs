//! Applies events.

use std::{sync::Arc, time::Duration};

use super::{
    event::{Event, Fault},
    key::Key,
    money::Reserve,
    state::{Row, Schedule, State},
};
use crate::{Amount, ItemId};

/// The end of a row.
struct Ending<'e> {
    cost: Option<Amount>,
    /// Whose fault it is; `None` means success.
    fault: Option<(Fault, &'e Arc<str>)>,
    /// Whether there was a task.
    had_task: bool,
}

impl Schedule {
    /// Applies an event. Times never go back.
    pub fn on(&mut self, now: Duration, event: Event) {
        match event {
            Event::Started { item, key } => self.started(&item, &key),
            Event::Sent { item } => self.sent(now, &item),
            Event::Waits { item } => self.waits(&item),
            Event::Withdrawn { item } => self.withdrawn(&item),
            Event::Unreachable { item } => self.unreachable(now, &item),
            Event::TooExpensive { item } => {
                self.withdrawn(&item);
                self.purse.is_short = true;
            }
            Event::Accepted { item } => self.accepted(now, &item),
            Event::Unknown { item } => self.unknown(now, &item),
            Event::Absent { item } => {
                if let Some((at, State::Unknown(_))) = self.find(&item) {
                    self.loosen();
                    self.release(at);
                    self.make_ready(at);
                }
            }
            Event::Refused { item, fault, class } => {
                let fault = Some((fault, &class));
                self.over(&item, &Ending { cost: Some(Amount::ZERO), fault, had_task: false });
            }
            Event::Ended { item, cost } => {
                self.over(&item, &Ending { cost, fault: None, had_task: true });
            }
            Event::Failed { item, fault, class, cost } => {
                self.over(&item, &Ending { cost, fault: Some((fault, &class)), had_task: true });
            }
            Event::Cancelled { item, cost } => self.cancelled(&item, cost),
            Event::Saved { is_whole } => self.brakes.saved(is_whole),
            Event::Added(work) => self.add(work),
            Event::Throttled { key } => self.with_key(&key, |key| key.rate.slow_down(now)),
            Event::Stuck { key } => self.with_key(&key, |key| key.is_stuck = true),
            Event::Pause => self.is_paused = true,
            Event::Resume => {
                self.is_paused = false;
                (self.purse.is_blind, self.purse.is_short) = (false, false);
                self.brakes.release();
                self.keys.iter_mut().for_each(|key| key.is_paused = false);
                self.loosen();
            }
        }
    }

    /// The reserve for a row.
    pub(super) fn reserve(&self, row: &Row) -> Reserve {
        self.groups
            .get(row.group)
            .map_or_else(Reserve::default, |group| self.purse.reserve(row.work.price, &group.costs))
    }

    pub(super) fn make_ready(&mut self, at: usize) {
        let Some(row) = self.rows.get_mut(at) else { return };
        row.state = State::Ready;
        self.queue.add(row.group, row.bound, row.place(at));
    }

    /// A row with a task, or perhaps one, from an earlier run: it takes a slot and a reserve.
    pub(super) fn adopt(&mut self, at: usize, is_running: bool) {
        let key = self.rows.get(at).and_then(|row| row.bound).unwrap_or_default();
        self.take(at, key, if is_running { State::Running(key) } else { State::Unknown(key) });
    }

    fn with_key(&mut self, name: &str, change: impl FnOnce(&mut Key)) {
        if let Some(key) = self.keys.iter_mut().find(|key| *key.name == *name) {
            change(key);
        }
    }

    /// An unknown submit is resolved: its slot is free, or will be.
    fn loosen(&mut self) {
        self.keys.iter_mut().for_each(|key| key.is_stuck = false);
    }

    fn find(&self, item: &ItemId) -> Option<(usize, State)> {
        let at = *self.index.get(item)?;
        self.rows.get(at).map(|row| (at, row.state))
    }

    /// Takes a slot and a reserve for a row.
    fn take(&mut self, at: usize, key: usize, state: State) {
        let Some(reserve) = self.rows.get(at).map(|row| self.reserve(row)) else { return };
        let Some(row) = self.rows.get_mut(at) else { return };
        (row.state, row.reserve) = (state, reserve);
        self.purse.take(reserve);
        if let Some(key) = self.keys.get_mut(key) {
            key.used += 1;
            key.waiting += u32::from(matches!(state, State::Waiting(_)));
        }
        if let State::Unknown(_) = state {
            self.tally.unknown += 1;
        } else {
            self.group_runs(at, 1);
        }
        self.tally.running += usize::from(matches!(state, State::Sent(_) | State::Running(_)));
    }

    fn group_runs(&mut self, at: usize, more: isize) {
        if let Some(group) = self.rows.get(at).and_then(|row| self.groups.get_mut(row.group)) {
            group.running = group.running.saturating_add_signed(more);
        }
    }

    /// Releases a row's slot and its reserve.
    fn release(&mut self, at: usize) -> Reserve {
        let Some(row) = self.rows.get_mut(at) else { return Reserve::default() };
        let (state, reserve) = (row.state, std::mem::take(&mut row.reserve));
        row.state = State::Over;
        let Some(key) = state.key() else { return reserve };
        self.purse.give_back(reserve);
        if let Some(key) = self.keys.get_mut(key) {
            key.used -= 1;
            key.waiting -= u32::from(matches!(state, State::Waiting(_)));
        }
        if let State::Unknown(_) = state {
            self.tally.unknown -= 1;
        } else {
            self.group_runs(at, -1);
        }
        self.tally.running -= usize::from(matches!(state, State::Sent(_) | State::Running(_)));
        reserve
    }

    fn started(&mut self, item: &ItemId, key: &str) {
        let key = self.keys.iter().position(|known| *known.name == *key);
        if let (Some((at, State::Ready)), Some(key)) = (self.find(item), key) {
            self.unqueue(at);
            self.take(at, key, State::Waiting(key));
        }
    }

    fn sent(&mut self, now: Duration, item: &ItemId) {
        let Some((at, State::Waiting(key))) = self.find(item) else { return };
        self.tally.running += 1;
        self.set(at, State::Sent(key));
        if let Some(key) = self.keys.get_mut(key) {
            key.waiting -= 1;
            key.rate.take(now);
        }
    }

    fn waits(&mut self, item: &ItemId) {
        let Some((at, State::Sent(key))) = self.find(item) else { return };
        self.tally.running -= 1;
        self.set(at, State::Waiting(key));
        self.keys.get_mut(key).into_iter().for_each(|key| key.waiting += 1);
    }

    fn withdrawn(&mut self, item: &ItemId) {
        if let Some((at, State::Waiting(_) | State::Sent(_))) = self.find(item) {
            self.release(at);
            self.make_ready(at);
        }
    }

    fn unreachable(&mut self, now: Duration, item: &ItemId) {
        let key = self.find(item).and_then(|(_, state)| state.key());
        self.withdrawn(item);
        if let Some(key) = key.and_then(|key| self.keys.get_mut(key)) {
            key.is_unreachable(now);
        }
    }

    fn set(&mut self, at: usize, state: State) {
        if let Some(row) = self.rows.get_mut(at) {
            row.state = state;
        }
    }

    fn unqueue(&mut self, at: usize) {
        if let Some(row) = self.rows.get(at) {
            self.queue.remove(row.group, row.bound, row.place(at));
        }
    }

    fn accepted(&mut self, now: Duration, item: &ItemId) {
        self.sent(now, item);
        let Some((at, state)) = self.find(item) else { return };
        let key = match state {
            // Its id arrived after its submit was written off.
            State::Ready => {
                self.unqueue(at);
                return self.adopt(at, true);
            }
            State::Sent(key) => key,
            State::Unknown(key) => {
                self.loosen();
                self.tally.unknown -= 1;
                self.tally.running += 1;
                self.group_runs(at, 1);
                key
            }
            State::Waiting(_) | State::Running(_) | State::Over => return,
        };
        self.set(at, State::Running(key));
        self.keys.get_mut(key).into_iter().for_each(Key::is_reached);
    }

    fn unknown(&mut self, now: Duration, item: &ItemId) {
        self.sent(now, item);
        let Some((at, State::Sent(key))) = self.find(item) else { return };
        self.tally.running -= 1;
        self.tally.unknown += 1;
        self.group_runs(at, -1);
        self.set(at, State::Unknown(key));
    }

    fn cancelled(&mut self, item: &ItemId, cost: Option<Amount>) {
        match self.find(item) {
            Some((at, State::Ready)) => {
                self.unqueue(at);
                self.set(at, State::Over);
            }
            Some((_, State::Over)) | None => return,
            Some((at, _)) => {
                let reserve = self.release(at);
                self.purse.settle(reserve, cost, false);
            }
        }
        self.tally.cancelled += 1;
    }

    fn over(&mut self, item: &ItemId, ending: &Ending<'_>) {
        let (at, key) = match self.find(item) {
            // A submit that was written off had a task after all.
            Some((at, State::Ready)) if ending.fault.is_none() => {
                self.unqueue(at);
                (at, usize::MAX)
            }
            Some((_, State::Ready | State::Over)) | None => return,
            Some((at, state)) => (at, state.key().unwrap_or(usize::MAX)),
        };
        let reserve = self.release(at);
        self.purse.settle(reserve, ending.cost, ending.fault.is_none());
        let Some(row) = self.rows.get_mut(at) else { return };
        let Some((fault, class)) = ending.fault else {
            self.tally.done += 1;
            self.brakes.succeeded();
            if let Some(group) = self.groups.get_mut(row.group) {
                group.is_proven = true;
                if let Some(cost) = ending.cost {
                    group.costs.add(cost);
                }
            }
            return;
        };
        let is_free = ending.cost.is_none_or(|cost| cost == Amount::ZERO);
        match fault {
            Fault::Key => self.keys.get_mut(key).into_iter().for_each(|key| key.is_paused = true),
            Fault::Platform if is_free && !row.was_retried => row.was_retried = true,
            Fault::Platform | Fault::Row => {
                self.brakes.failed(class);
                let count = if ending.had_task { &mut self.tally.failed } else { &mut self.tally.refused };
                *count += 1;
                return;
            }
        }
        self.make_ready(at);
    }
}
