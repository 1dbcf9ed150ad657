//! Submitting: check everything that can be checked, then pay once.

mod builder;
mod check;
mod gate;
mod model;
mod pay;
mod secret;

pub use builder::Submit;
pub use model::SubmitModel;

pub(crate) use gate::Gate;
