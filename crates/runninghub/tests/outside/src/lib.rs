//! Extensions of `runninghub` in other crates, written against its public API only: a
//! [`Ledger`](runninghub::ledger::Ledger), a [`Connect`](runninghub::Connect) and a
//! [`Backend`](runninghub::Backend).

mod ledger;
mod script;
mod toy;

pub use ledger::{SharedLedger, Store};
pub use script::Script;
pub use toy::Toy;
