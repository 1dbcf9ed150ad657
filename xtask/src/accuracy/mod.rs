//! The accuracy of the percentage, measured on the recordings and on timelines of real runs.

mod batches;
mod recordings;
#[path = "../../../crates/core/tests/common/timeline.rs"]
mod timeline;
mod timelines;
#[path = "../../../crates/batch/tests/common/worlds.rs"]
mod worlds;

pub(crate) use recordings::accuracy;
