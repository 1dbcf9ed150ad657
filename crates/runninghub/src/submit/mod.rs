//! Submits to RunningHub: checks everything that can be checked, uploads, and pays once.

mod app;
mod change;
mod check;
mod expired;
mod gate;
mod loader;
mod model;
mod pay;
mod ready;
mod secret;
mod step;
mod workflow;

pub use secret::check_webhook;
pub use step::SubmitStep;

pub(crate) use change::{Changed, Changes, FileRules};
pub(crate) use check::{has_extension, upload as check_upload};
pub(crate) use gate::Gate;
pub(crate) use loader::upload_name;
pub(crate) use step::OnStep;
pub(crate) use workflow::warn_of;

use ready::Ready;
