//! Events for a schedule.

use std::sync::Arc;

use super::limits::Work;
use crate::{Amount, ItemId};

/// The cause of a refusal or a failure, which decides what happens next.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Fault {
    /// The key: no funds, disabled, another site. The key pauses and the row stays ready; other keys go on.
    Key,
    /// The platform: an internal error, or a lost machine. The row is retried once, if it cost nothing.
    Platform,
    /// The row: a node failed, content was refused, or a value is wrong. The row failed and isn't retried.
    Row,
}

/// Something that happened. An event that doesn't fit the row's state changes nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// A row is started: it waits for a slot of the key.
    Started {
        /// The row.
        item: ItemId,
        /// The key that pays.
        key: Arc<str>,
    },
    /// The row has a slot: its submit is being sent.
    Sent {
        /// The row.
        item: ItemId,
    },
    /// The submit was refused for lack of a slot: the row waits for one again.
    Waits {
        /// The row.
        item: ItemId,
    },
    /// The row was withdrawn before its submit was sent. It is ready again.
    Withdrawn {
        /// The row.
        item: ItemId,
    },
    /// The service couldn't be reached, and nothing was sent. The row is ready again, and the key pauses for a while.
    Unreachable {
        /// The row.
        item: ItemId,
    },
    /// The ledger doesn't allow a submit of this cost. The row is ready again.
    TooExpensive {
        /// The row.
        item: ItemId,
    },
    /// The row has a task. This also resolves an unknown submit.
    Accepted {
        /// The row.
        item: ItemId,
    },
    /// The submit was refused: the row has no task and cost nothing.
    Refused {
        /// The row.
        item: ItemId,
        /// The cause.
        fault: Fault,
        /// The class of the refusal, such as `content` or `node 9`.
        class: Arc<str>,
    },
    /// It is unknown whether the submit created a task.
    Unknown {
        /// The row.
        item: ItemId,
    },
    /// It is proven that an unknown submit created no task.
    Absent {
        /// The row.
        item: ItemId,
    },
    /// The task succeeded.
    Ended {
        /// The row.
        item: ItemId,
        /// Its cost; `None` if the platform doesn't report it.
        cost: Option<Amount>,
    },
    /// The task failed.
    Failed {
        /// The row.
        item: ItemId,
        /// The cause.
        fault: Fault,
        /// The class of the failure.
        class: Arc<str>,
        /// Its cost; `None` if the platform doesn't report it.
        cost: Option<Amount>,
    },
    /// The files of a row that succeeded were downloaded.
    Saved {
        /// Whether all of them succeeded.
        is_whole: bool,
    },
    /// The task was stopped, or the row was removed before it had one.
    Cancelled {
        /// The row.
        item: ItemId,
        /// Its cost; `None` if the platform doesn't report it.
        cost: Option<Amount>,
    },
    /// A row was added.
    Added(Work),
    /// The server throttled a key, for any request: it submits at half the rate for a minute.
    Throttled {
        /// The key.
        key: Arc<str>,
    },
    /// Unknown submits, of this batch or others, hold all slots of a key: a waiting row waits until one of them is
    /// resolved.
    Stuck {
        /// The key.
        key: Arc<str>,
    },
    /// Start nothing more.
    Pause,
    /// Resume, whatever the reason for the pause. The count of failures restarts.
    Resume,
}
