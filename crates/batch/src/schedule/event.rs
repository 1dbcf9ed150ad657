//! What a schedule hears.

use std::sync::Arc;

use super::limits::Work;
use crate::{Amount, ItemId};

/// Whose fault a refusal or a failure is. That decides what happens next.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Fault {
    /// The key's: no funds, disabled, another site. The key pauses and the row stays ready; other keys go on.
    Key,
    /// The platform's: an internal error, a machine that went away. The row gets one more try, if it cost nothing.
    Platform,
    /// The row's: a node failed, content was refused, a value is wrong. The row has failed and isn't repeated.
    Row,
    /// There was no slot. The row stays ready and isn't counted as failed.
    Capacity,
    /// The key sent too many requests. The row stays ready, and the key submits half as fast for a minute.
    Rate,
}

/// Something that happened. An event that doesn't fit the row's state changes nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// The server said how many tasks the key may run at once.
    Counts {
        /// The key.
        key: Arc<str>,
        /// The most tasks at once.
        limit: u32,
        /// The tasks among them that are not this batch's.
        foreign: u32,
    },
    /// The server doesn't say how many tasks the key may run: that is measured by refusals.
    NoCounts {
        /// The key.
        key: Arc<str>,
    },
    /// The intent to start a row is on disk, with its slot and its reserve; its submit is about to be sent.
    Claimed {
        /// The row.
        item: ItemId,
        /// The key that pays.
        key: Arc<str>,
    },
    /// The row has a task. Also for a row of which that was unknown.
    Accepted {
        /// The row.
        item: ItemId,
    },
    /// The submit was refused: the row has no task and cost nothing.
    Refused {
        /// The row.
        item: ItemId,
        /// Whose fault it is.
        fault: Fault,
        /// What equal refusals have in common: `content`, `node 9`.
        class: Arc<str>,
    },
    /// It is unknown whether the submit made a task.
    Unknown {
        /// The row.
        item: ItemId,
    },
    /// It is certain that an unknown submit made no task.
    Absent {
        /// The row.
        item: ItemId,
    },
    /// The task succeeded.
    Ended {
        /// The row.
        item: ItemId,
        /// What it cost; `None` if the platform doesn't say.
        cost: Option<Amount>,
    },
    /// The task failed.
    Failed {
        /// The row.
        item: ItemId,
        /// Whose fault it is.
        fault: Fault,
        /// What equal failures have in common.
        class: Arc<str>,
        /// What it cost; `None` if the platform doesn't say.
        cost: Option<Amount>,
    },
    /// The task was stopped, or the row was taken out before it had one.
    Cancelled {
        /// The row.
        item: ItemId,
        /// What it cost; `None` if the platform doesn't say.
        cost: Option<Amount>,
    },
    /// A row was added.
    Added(Work),
    /// The server asked for fewer requests of a key, whatever they were for.
    Throttled {
        /// The key.
        key: Arc<str>,
    },
    /// The user wants no more starts.
    Pause,
    /// The user wants to go on, whatever made the batch pause. Failures are counted from here on.
    Resume,
}
