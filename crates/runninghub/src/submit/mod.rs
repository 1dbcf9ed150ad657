//! Submitting: check everything that can be checked, then pay once.

mod app;
mod builder;
mod change;
mod check;
mod expired;
mod gate;
mod loader;
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

pub(crate) use change::{Changed, Changes, FileRules, changes};
pub(crate) use check::{has_extension, upload as check_upload};
pub(crate) use gate::Gate;
pub(crate) use loader::upload_name;
pub(crate) use step::OnStep;
