//! Submits to RunningHub: checks everything that can be checked, uploads, and pays once.

mod app;
mod change;
mod check;
mod expired;
mod loader;
mod meter;
mod model;
pub(crate) mod once;
mod patience;
mod pay;
mod queue;
mod ready;
mod seat;
mod secret;
mod step;
mod wait;
mod workflow;

pub use seat::{BatchItem, BatchQueue};
pub use secret::check_webhook;
pub use step::{Busy, SubmitStep};

pub(crate) use app::node_names;
pub(crate) use change::{Changed, Changes, FileRules, NewValue};
pub(crate) use check::{has_extension, upload as check_upload};
pub(crate) use loader::{takes_file, upload_name};
pub(crate) use queue::SubmitQueue;
pub(crate) use step::OnStep;
pub(crate) use workflow::warn_of_keys;

use ready::Ready;
