//! The state of a schedule.

use std::{cmp::Reverse, collections::HashMap, sync::Arc};

use serde::Serialize;

use super::{
    brakes::Brakes,
    key::Key,
    limits::{Limits, Standing, Work},
    money::{Costs, Purse, Reserve},
    queue::{Queue, QueueKey},
};
use crate::{Amount, ItemId};

/// Decides which row of a batch starts, when, and on which key. It does no I/O and reads no clock: [`Schedule::on`]
/// takes events, and [`Schedule::next`] returns decisions. Times are on any clock that never goes back, the same for
/// all calls.
#[derive(Debug)]
pub struct Schedule {
    pub(super) limits: Limits,
    pub(super) keys: Vec<Key>,
    pub(super) groups: Vec<Group>,
    pub(super) rows: Vec<Row>,
    pub(super) index: HashMap<ItemId, usize>,
    pub(super) queue: Queue,
    pub(super) purse: Purse,
    pub(super) brakes: Brakes,
    pub(super) is_paused: bool,
    pub(super) tally: Tally,
}

/// Rows with similar costs and durations.
#[derive(Debug)]
pub(super) struct Group {
    name: Arc<str>,
    pub(super) costs: Costs,
    /// Whether one of its rows has ever succeeded. Until then its rows run one at a time.
    pub(super) is_proven: bool,
    /// Rows that are starting or running.
    pub(super) running: usize,
}

/// A row.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) work: Work,
    pub(super) group: usize,
    /// The only key that can pay for it.
    pub(super) bound: Option<usize>,
    pub(super) state: State,
    pub(super) reserve: Reserve,
    /// Whether it has been retried.
    pub(super) was_retried: bool,
}

/// The state of a row, with the index of its key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum State {
    Ready,
    /// It waits for a slot.
    Waiting(usize),
    /// Its submit is being sent.
    Sent(usize),
    Running(usize),
    Unknown(usize),
    Over,
}

/// The number of rows by state, and the money.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Tally {
    /// Rows that are not submitted yet.
    pub ready: usize,
    /// Rows that are submitted or run.
    pub running: usize,
    /// Rows that may or may not have a task.
    pub unknown: usize,
    /// Rows that succeeded.
    pub done: usize,
    /// Rows that failed.
    pub failed: usize,
    /// Rows that were refused.
    pub refused: usize,
    /// Rows that were stopped.
    pub cancelled: usize,
    /// The cost of the batch so far.
    pub spent: Amount,
    /// The amount set aside for rows that run or may run.
    pub reserved: Amount,
}

impl Schedule {
    /// A schedule without rows. Keys are named as in [`Work::key`].
    pub fn new(keys: impl IntoIterator<Item = impl Into<Arc<str>>>, limits: Limits) -> Self {
        Self {
            purse: Purse::new(limits.max_cost, limits.spent),
            limits,
            keys: keys.into_iter().map(|name| Key::new(name.into())).collect(),
            groups: Vec::new(),
            rows: Vec::new(),
            index: HashMap::new(),
            queue: Queue::default(),
            brakes: Brakes::default(),
            is_paused: false,
            tally: Tally::default(),
        }
    }

    /// Adds the costs of earlier successes, oldest first. A group with a history needs no canary: its rows don't wait
    /// for the first one to end.
    pub fn history(&mut self, group: &str, costs: impl IntoIterator<Item = Option<Amount>>) {
        let group = self.group(group);
        let Some(group) = self.groups.get_mut(group) else { return };
        for cost in costs {
            group.is_proven = true;
            if let Some(cost) = cost {
                group.costs.add(cost);
            }
        }
    }

    /// Adds a row. A row with a known id changes nothing, nor does one that names a key outside of the schedule.
    pub fn add(&mut self, work: Work) {
        let bound = work.key.as_ref().map(|name| self.keys.iter().position(|key| key.name == *name));
        if self.index.contains_key(&work.id) || bound == Some(None) || self.keys.is_empty() {
            return;
        }
        let (bound, at, standing) = (bound.flatten(), self.rows.len(), work.standing);
        let group = self.group(&work.group);
        self.index.insert(work.id.clone(), at);
        let row =
            Row { work, group, bound, state: State::Over, reserve: Reserve::default(), was_retried: false };
        self.rows.push(row);
        match standing {
            Standing::Ready => self.make_ready(at),
            Standing::Running | Standing::Unknown => self.adopt(at, standing == Standing::Running),
        }
    }

    /// The number of rows by state, and the money.
    pub fn tally(&self) -> Tally {
        Tally {
            ready: self.queue.len() + self.waiting(),
            spent: self.purse.spent,
            reserved: self.purse.reserved,
            ..self.tally
        }
    }

    /// How many rows have a slot of a key, or wait for one.
    pub fn used(&self, key: &str) -> u32 {
        self.keys.iter().find(|known| *known.name == *key).map_or(0, |key| key.used)
    }

    /// How many rows wait for a slot.
    pub(super) fn waiting(&self) -> usize {
        self.keys.iter().map(|key| key.waiting as usize).sum()
    }

    fn group(&mut self, name: &str) -> usize {
        let known = self.groups.iter().position(|group| *group.name == *name);
        known.unwrap_or_else(|| {
            let name = name.into();
            self.groups.push(Group { name, costs: Costs::default(), is_proven: false, running: 0 });
            self.groups.len() - 1
        })
    }
}

impl State {
    /// The key whose slot it has or waits for.
    pub(super) fn key(self) -> Option<usize> {
        match self {
            Self::Waiting(key) | Self::Sent(key) | Self::Running(key) | Self::Unknown(key) => Some(key),
            Self::Ready | Self::Over => None,
        }
    }
}

impl Row {
    pub(super) fn place(&self, at: usize) -> QueueKey {
        (Reverse(self.work.priority), at)
    }
}
