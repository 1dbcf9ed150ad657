//! What other crates can add to `runninghub`, written against its public API alone: a [`Ledger`](runninghub::ledger::Ledger),
//! a [`Connect`](runninghub::Connect) and a [`Backend`](runninghub::Backend).

mod ledger;
mod script;
mod toy;

pub use ledger::{SharedLedger, Store};
pub use script::Script;
pub use toy::Toy;
