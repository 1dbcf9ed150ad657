//! What `docs/benchmarks.md` promises, measured: each figure in one run with its yardstick.

mod command;
mod drawing;
mod files;
mod pairs;
mod process;
mod row;

pub(crate) use command::Bench;
