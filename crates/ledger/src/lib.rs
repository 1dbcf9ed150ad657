#![doc = include_str!("../README.md")]
#![warn(clippy::expect_used, clippy::unwrap_used)]

mod batch;
#[cfg(any(test, feature = "conformance"))]
#[expect(clippy::expect_used, reason = "a suite of tests fails by panicking")]
pub mod conformance;
mod digest;
mod entry;
mod error;
#[cfg(feature = "sqlite")]
mod failpoint;
mod ledger;
mod measure;
mod memory;
mod slots;
#[cfg(feature = "sqlite")]
mod sqlite;
mod state;
mod turns;

pub use batch::{Batch, BatchEntry, Escrow, Item, ItemEntry, ItemRef, Spending};
pub use digest::{Digest, Salt, Secret};
pub use entry::{AttemptId, Delivery, Entry, Filter, Intent, Once};
pub use error::{Error, ErrorKind};
pub use ledger::{Ledger, MOST_DELIVERIES};
pub use measure::{Allowed, Counts, Measure};
pub use memory::MemoryLedger;
#[doc(no_inline)]
pub use runninghub_core::{Kind, NativeProxy, Place, Site};
pub use slots::{Ask, Claim, Held, Pool, SlotFor, Slots};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteLedger;
pub use state::{EDGES, State, Step};
pub use turns::{Class, Ticket, Turns, Waiter};
