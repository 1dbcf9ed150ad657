//! Submitting: check everything that can be checked, then pay once.

mod app;
mod builder;
mod change;
mod check;
mod gate;
mod pay;
mod terms;

pub use app::AppSubmit;
pub use builder::Submit;

pub(crate) use change::Changes;
pub(crate) use gate::Gate;
