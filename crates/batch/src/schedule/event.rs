//! Events that a schedule takes.

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
    /// The row was taken back before its submit was sent. It is ready again.
    Withdrawn {
        /// The row.
        item: ItemId,
    },
    /// The service couldn't be reached, and nothing was sent. The row is ready again, and the key rests for a while.
    Unreachable {
        /// The row.
        item: ItemId,
    },
    /// The ledger allows no submit that could cost so much. The row is ready again.
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
        /// What equal refusals have in common: `content`, `node 9`.
        class: Arc<str>,
    },
    /// It is unknown whether the submit made a task.
    Unknown {
        /// The row.
        item: ItemId,
    },
    /// An unknown submit made no task; that is proved.
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
        /// The cause.
        fault: Fault,
        /// What equal failures have in common.
        class: Arc<str>,
        /// What it cost; `None` if the platform doesn't say.
        cost: Option<Amount>,
    },
    /// The files of a row that succeeded were downloaded.
    Saved {
        /// Whether all of them were.
        is_whole: bool,
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
    /// The server asked for fewer requests of a key, whatever they were for: it submits half as fast for a minute.
    Throttled {
        /// The key.
        key: Arc<str>,
    },
    /// Submits of unknown outcome hold all slots of a key, of this batch or of others: a row that waits for one waits until
    /// one of them is resolved.
    Stuck {
        /// The key.
        key: Arc<str>,
    },
    /// Start nothing more.
    Pause,
    /// Go on, whatever the reason of the pause. Failures are counted from here on.
    Resume,
}
