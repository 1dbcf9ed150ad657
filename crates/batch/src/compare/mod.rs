//! Compares the items of a file with those in the ledger.

mod action;
mod change;
mod state;
mod summary;

pub use action::{Action, Comparison, OnChange, Policies, Version, compare};
pub use change::{Change, FieldChange};
pub use state::{ItemState, NoState, Recorded};
pub use summary::Summary;
