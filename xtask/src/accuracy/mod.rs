//! The accuracy of the percentage, measured on the recordings and on timelines of real runs.

mod recordings;
#[path = "../../../crates/core/tests/common/timeline.rs"]
mod timeline;
mod timelines;

pub(crate) use recordings::accuracy;
