//! Submitting: check everything that can be checked, then pay once.

mod app;
mod builder;
mod change;
mod check;
mod expired;
mod gate;
mod model;
mod pay;
mod secret;
mod step;
mod terms;

pub use app::AppSubmit;
pub use builder::Submit;
pub use model::SubmitModel;
pub use secret::check_webhook;
pub use step::SubmitStep;

pub(crate) use change::{Changes, changes};
pub(crate) use check::{file as check_file, has_extension, no_address, upload as check_upload};
pub(crate) use gate::Gate;
pub(crate) use step::OnStep;
