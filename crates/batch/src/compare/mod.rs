//! The items of a file against those that the ledger has.

mod action;
mod change;
mod state;
mod summary;

pub use action::{Action, Comparison, OnChange, Policies, Version, compare};
pub use change::{Change, FieldChange};
pub use state::{ItemState, NoState, Recorded};
pub use summary::Summary;
