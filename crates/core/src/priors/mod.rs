//! How long nodes take before anything has been measured: a table by class and model family, and what the inputs of a
//! workflow make of it.

mod expect;
mod facts;
mod names;
mod table;

pub(crate) use expect::expect;
pub use expect::{Expected, NodeKind};
pub use table::Priors;
