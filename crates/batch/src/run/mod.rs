//! Runs a batch: executes the schedule's decisions.

mod drive;
mod fault;
mod job;
mod keeper;
mod lock;
mod news;
mod prepare;
mod start;

pub use drive::BatchRun;
pub use keeper::Keeper;
pub use lock::is_running;
pub use news::{News, Over};
pub use start::{Begin, Key, Setup};
