//! A ledger in a SQLite file, shared by every process of one machine.

mod batches;
mod file;
mod owner;
mod place;
mod reader;
mod schema;
mod select;
mod slots;
mod store;
#[cfg(test)]
mod tests;
mod writer;

pub use store::SqliteLedger;
