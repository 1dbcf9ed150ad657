//! The input of a schedule, and its limits.

use std::{sync::Arc, time::Duration};

use crate::{Amount, ItemId, MaxFailures};

/// A row of a batch, as the schedule sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Work {
    /// The row.
    pub id: ItemId,
    /// Rows of the same group have similar costs and durations: the same target on the same instance type.
    pub group: Arc<str>,
    /// The key that pays for it; `None` means any key of the schedule. For a row that isn't ready, the key whose slot
    /// it holds; `None` means the first one.
    pub key: Option<Arc<str>>,
    /// Rows of a higher priority start earlier; equal ones start in the order they were added.
    pub priority: i32,
    /// Its price, if known in advance.
    pub price: Option<Amount>,
    /// Its initial state.
    pub standing: Standing,
}

/// The state of a row when it is added.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Standing {
    /// It waits to be started.
    #[default]
    Ready,
    /// Its task runs, from an earlier run of the batch.
    Running,
    /// It may or may not have a task.
    Unknown,
}

/// The limits of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Maximum number of slots used of each key; `None` means all.
    pub slots: Option<u32>,
    /// The cost limit of the batch, including its cost so far.
    pub max_cost: Option<Amount>,
    /// The cost of earlier runs of the batch.
    pub spent: Amount,
    /// How many failures pause the batch.
    pub max_failures: Option<MaxFailures>,
    /// How many equal failures in a row pause the batch.
    pub max_alike: Option<u32>,
    /// When to stop starting rows, on the clock of the schedule.
    pub until: Option<Duration>,
}

impl Work {
    /// A row that any key may pay for.
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
    /// By default, five equal consecutive failures pause the batch.
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
