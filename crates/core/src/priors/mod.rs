//! Expected durations of nodes before anything has been measured: a table by class and model family, applied to the
//! inputs of a workflow.

mod expect;
mod facts;
mod names;
mod table;

pub(crate) use expect::expect;
pub use expect::{Expected, NodeKind};
pub use table::Priors;
