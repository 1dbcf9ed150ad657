//! What events change.

use std::{sync::Arc, time::Duration};

use super::{
    event::{Event, Fault},
    money::Reserve,
    slots::Key,
    state::{Row, Schedule, State},
};
use crate::{Amount, ItemId};

/// The end of a row.
struct Ending<'e> {
    cost: Option<Amount>,
    /// Whose fault it is; `None` is a success.
    fault: Option<(Fault, &'e Arc<str>)>,
    /// Whether there was a task.
    had_task: bool,
}

impl Schedule {
    /// Applies something that happened at a time. Times never go back.
    pub fn on(&mut self, now: Duration, event: Event) {
        match event {
            Event::Counts { key, limit, foreign } => self.with_key(&key, |key| key.read(now, limit, foreign)),
            Event::NoCounts { key } => self.with_key(&key, Key::has_no_counts),
            Event::Claimed { item, key } => self.claimed(now, &item, &key),
            Event::Accepted { item } => self.accepted(now, &item),
            Event::Unknown { item } => self.unknown(&item),
            Event::Absent { item } => {
                if let Some((at, State::Unknown(_))) = self.find(&item) {
                    self.release(now, at);
                    self.make_ready(at);
                }
            }
            Event::Refused { item, fault, class } => {
                let fault = Some((fault, &class));
                self.over(now, &item, &Ending { cost: Some(Amount::ZERO), fault, had_task: false });
            }
            Event::Ended { item, cost } => {
                self.over(now, &item, &Ending { cost, fault: None, had_task: true });
            }
            Event::Failed { item, fault, class, cost } => {
                self.over(now, &item, &Ending { cost, fault: Some((fault, &class)), had_task: true });
            }
            Event::Cancelled { item, cost } => self.cancelled(now, &item, cost),
            Event::Added(work) => self.add(work),
            Event::Throttled { key } => self.with_key(&key, |key| key.rate.slow_down(now)),
            Event::Pause => self.is_paused = true,
            Event::Resume => {
                self.is_paused = false;
                self.purse.is_blind = false;
                self.brakes.release();
                self.keys.iter_mut().for_each(|key| key.is_paused = false);
            }
        }
    }

    /// What is set aside for a row.
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

    /// A row with a task, or with an unknown one, from earlier: it takes a slot and a reserve.
    pub(super) fn adopt(&mut self, at: usize, is_running: bool) {
        let key = self.rows.get(at).and_then(|row| row.bound).unwrap_or_default();
        self.take(at, key, if is_running { State::Running(key) } else { State::Unknown(key) });
    }

    fn with_key(&mut self, name: &str, change: impl FnOnce(&mut Key)) {
        if let Some(key) = self.keys.iter_mut().find(|key| *key.name == *name) {
            change(key);
        }
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
            key.take(matches!(state, State::Claimed(_)));
        }
        if let State::Unknown(_) = state {
            self.tally.unknown += 1;
        } else {
            self.tally.running += 1;
            self.group_runs(at, 1);
        }
    }

    fn group_runs(&mut self, at: usize, more: isize) {
        if let Some(group) = self.rows.get(at).and_then(|row| self.groups.get_mut(row.group)) {
            group.running = group.running.saturating_add_signed(more);
        }
    }

    /// Gives back a row's slot and its reserve.
    fn release(&mut self, now: Duration, at: usize) -> Reserve {
        let Some(row) = self.rows.get_mut(at) else { return Reserve::default() };
        let (state, reserve) = (row.state, std::mem::take(&mut row.reserve));
        row.state = State::Over;
        let (State::Claimed(key) | State::Running(key) | State::Unknown(key)) = state else { return reserve };
        self.purse.give_back(reserve);
        if let Some(key) = self.keys.get_mut(key) {
            if matches!(state, State::Claimed(_)) {
                key.sent();
            }
            key.release(now);
        }
        if let State::Unknown(_) = state {
            self.tally.unknown -= 1;
        } else {
            self.tally.running -= 1;
            self.group_runs(at, -1);
        }
        reserve
    }

    fn claimed(&mut self, now: Duration, item: &ItemId, key: &str) {
        let key = self.keys.iter().position(|known| *known.name == *key);
        if let (Some((at, State::Ready)), Some(key)) = (self.find(item), key) {
            self.unqueue(at);
            self.take(at, key, State::Claimed(key));
            self.keys.get_mut(key).into_iter().for_each(|key| key.rate.take(now));
        }
    }

    fn unqueue(&mut self, at: usize) {
        if let Some(row) = self.rows.get(at) {
            self.queue.remove(row.group, row.bound, row.place(at));
        }
    }

    fn accepted(&mut self, now: Duration, item: &ItemId) {
        let Some((at, state)) = self.find(item) else { return };
        let key = match state {
            // Its id came late, when its submit was written off already.
            State::Ready => {
                self.unqueue(at);
                return self.adopt(at, true);
            }
            State::Claimed(key) => {
                self.keys.get_mut(key).into_iter().for_each(Key::sent);
                key
            }
            State::Unknown(key) => {
                self.tally.unknown -= 1;
                self.tally.running += 1;
                self.group_runs(at, 1);
                key
            }
            State::Running(_) | State::Over => return,
        };
        if let Some(row) = self.rows.get_mut(at) {
            row.state = State::Running(key);
        }
        self.keys.get_mut(key).into_iter().for_each(|key| key.accepted(now));
    }

    fn unknown(&mut self, item: &ItemId) {
        let Some((at, State::Claimed(key))) = self.find(item) else { return };
        self.keys.get_mut(key).into_iter().for_each(Key::sent);
        self.tally.running -= 1;
        self.tally.unknown += 1;
        self.group_runs(at, -1);
        if let Some(row) = self.rows.get_mut(at) {
            row.state = State::Unknown(key);
        }
    }

    fn cancelled(&mut self, now: Duration, item: &ItemId, cost: Option<Amount>) {
        match self.find(item) {
            Some((at, State::Ready)) => {
                self.unqueue(at);
                self.rows.get_mut(at).into_iter().for_each(|row| row.state = State::Over);
            }
            Some((at, State::Claimed(_) | State::Running(_) | State::Unknown(_))) => {
                let reserve = self.release(now, at);
                self.purse.settle(reserve, cost, false);
            }
            Some((_, State::Over)) | None => return,
        }
        self.tally.cancelled += 1;
    }

    fn over(&mut self, now: Duration, item: &ItemId, ending: &Ending<'_>) {
        let (at, key) = match self.find(item) {
            Some((at, State::Claimed(key) | State::Running(key) | State::Unknown(key))) => (at, key),
            // A submit that was written off had a task after all.
            Some((at, State::Ready)) if ending.fault.is_none() => {
                self.unqueue(at);
                (at, usize::MAX)
            }
            _ => return,
        };
        let reserve = self.release(now, at);
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
            Fault::Capacity => self.keys.get_mut(key).into_iter().for_each(|key| key.is_full(now)),
            Fault::Rate => self.keys.get_mut(key).into_iter().for_each(|key| key.rate.slow_down(now)),
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
