//! The results of a batch: the files in its folder, and exports.

mod axes;
mod export;
mod failed;
mod folder;
mod html;
mod record;
mod repeat;
mod sheet;
mod summary;
mod trace;

pub use export::Export;
pub use failed::Failed;
pub use folder::Results;
pub use record::{ItemError, NodeTime, Record, ResultFile, Timings};
pub use repeat::Repeat;
pub use summary::{Costs, Head, Report};
