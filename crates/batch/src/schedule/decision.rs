//! Decisions of a schedule, and their reasons.

use std::{sync::Arc, time::Duration};

use runninghub_core::{Sentence, say};

use crate::{Amount, ItemId};

/// What to do now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Decision {
    /// Start this row: prepare it, and let it wait for a slot. Report [`Event::Started`](super::Event::Started) back.
    Start {
        /// The row.
        item: ItemId,
        /// The key that pays.
        key: Arc<str>,
        /// The amount set aside for it.
        reserve: Amount,
        /// Whether its cost is unknown: then everything left is set aside.
        is_blind: bool,
    },
    /// Start nothing before the next event, or before `until`.
    Wait {
        /// When the decision may change without an event.
        until: Option<Duration>,
        /// What it waits for.
        why: Waiting,
    },
    /// Start nothing until the user resumes or the reason is gone. Running rows continue.
    Pause {
        /// Why.
        why: Paused,
    },
    /// Every row is over.
    Done,
}

/// What a batch waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Waiting {
    /// For the end of the running rows; every row has started.
    Running,
    /// For unknown submits to be resolved: nothing else is left, or they hold all slots.
    Unknown,
    /// For a free slot.
    Slots,
    /// For the key's submit rate.
    Rate,
    /// For a service that couldn't be reached.
    Service,
    /// For the first row of its kind to finish.
    Canary,
    /// For money that is set aside for running rows.
    Money,
}

/// Why a batch pauses.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Paused {
    /// The user paused it.
    Asked,
    /// Its end time has come.
    Until,
    /// This many rows failed.
    Failures(u32),
    /// Consecutive rows failed in the same way.
    Alike {
        /// How many.
        count: u32,
        /// The class of their failures.
        class: Arc<str>,
    },
    /// The files of this many consecutive rows could not be saved.
    Unsaved(u32),
    /// The next row could cost more than is left.
    Cost {
        /// The cost of the batch so far.
        spent: Amount,
        /// The amount set aside for submits that may have created a task.
        reserved: Amount,
        /// The amount needed for the next row.
        next: Amount,
        /// The cost limit of the batch.
        max: Amount,
    },
    /// The platform doesn't report costs, so a cost limit can't be enforced.
    CostUnknown,
    /// These keys can't pay.
    Keys(Vec<Arc<str>>),
}

impl Waiting {
    /// For people.
    pub fn sentence(&self) -> Sentence {
        match self {
            Self::Running => say!("waiting for the running rows"),
            Self::Unknown => say!("waiting for submits whose outcome is unknown"),
            Self::Slots => say!("waiting for a free slot"),
            Self::Rate => say!("waiting for the submit rate of the key"),
            Self::Service => say!("waiting for the service, which cannot be reached"),
            Self::Canary => say!("waiting for the first row, which runs alone"),
            Self::Money => say!("waiting for the cost of the running rows"),
        }
    }
}

impl Paused {
    /// For people.
    pub fn sentence(&self) -> Sentence {
        match self {
            Self::Asked => say!("paused"),
            Self::Until => say!("paused: the time for starting rows has passed"),
            Self::Failures(1) => say!("paused: 1 row failed"),
            Self::Failures(count) => say!("paused: {n} rows failed", n = *count),
            Self::Alike { count, class } if class.is_empty() => {
                say!("paused: {n} consecutive rows failed in the same way", n = *count)
            }
            Self::Alike { count, class } => {
                say!(
                    "paused: {n} consecutive rows failed in the same way: {class}",
                    n = *count,
                    class = &**class
                )
            }
            Self::Unsaved(count) => {
                say!("paused: the results of {n} consecutive rows could not be saved", n = *count)
            }
            Self::Cost { spent, reserved, next, max } if *reserved == Amount::ZERO => {
                say!(
                    "paused: {spent} of {max} spent, and the next row may cost {next}",
                    spent = *spent,
                    max = *max,
                    next = *next
                )
            }
            Self::Cost { spent, reserved, next, max } => say!(
                "paused: {spent} of {max} spent, {reserved} reserved, and the next row may cost {next}",
                spent = *spent,
                max = *max,
                reserved = *reserved,
                next = *next
            ),
            Self::CostUnknown => {
                say!(
                    "paused: the platform doesn't report what a row costs, so the cost limit can't be enforced"
                )
            }
            Self::Keys(keys) => say!("paused: the key `{key}` can't pay", key = keys.join("`, `")),
        }
    }
}
