//! What a schedule works on, and within which limits.

use std::{sync::Arc, time::Duration};

use crate::{Amount, ItemId, MaxFailures};

/// A row of a batch, as the schedule sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Work {
    /// The row.
    pub id: ItemId,
    /// Rows of the same group cost and take about the same: the same target on the same instance type.
    pub group: Arc<str>,
    /// The key that pays for it; `None` is any key of the schedule. For a row that isn't ready, the key whose slot it
    /// holds; `None` is the first one.
    pub key: Option<Arc<str>>,
    /// Rows of a higher priority start earlier; equal ones in the order in which they were added.
    pub priority: i32,
    /// Its price, if that is known beforehand.
    pub price: Option<Amount>,
    /// Where it stands at the beginning.
    pub standing: Standing,
}

/// Where a row stands when it is added.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Standing {
    /// It waits to be started.
    #[default]
    Ready,
    /// Its task runs, from an earlier run of the batch.
    Running,
    /// It is unknown whether it has a task.
    Unknown,
}

/// The limits of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// The most slots of each key that the batch uses at once; `None` is as many as the key has.
    pub slots: Option<u32>,
    /// The most that the batch may cost, with what it has cost already.
    pub max_cost: Option<Amount>,
    /// What earlier runs of the batch have cost.
    pub spent: Amount,
    /// How many failures pause the batch.
    pub max_failures: Option<MaxFailures>,
    /// How many equal failures in a row pause the batch.
    pub max_alike: Option<u32>,
    /// When to stop starting rows, on the clock of the schedule.
    pub until: Option<Duration>,
}

impl Work {
    /// A row that any key can start.
    pub fn new(id: impl Into<ItemId>, group: impl Into<Arc<str>>) -> Self {
        Self {
            id: id.into(),
            group: group.into(),
            key: None,
            priority: 0,
            price: None,
            standing: Standing::Ready,
        }
    }
}

impl Default for Limits {
    /// A pause after five equal failures in a row.
    fn default() -> Self {
        Self {
            slots: None,
            max_cost: None,
            spent: Amount::ZERO,
            max_failures: None,
            max_alike: Some(5),
            until: None,
        }
    }
}
