//! Measures the promises of `docs/benchmarks.md`: each figure in one run with its baseline.

mod batch;
mod batch_run;
mod command;
mod drawing;
mod files;
mod folder;
mod pairs;
mod process;
mod row;

pub(crate) use command::Bench;
