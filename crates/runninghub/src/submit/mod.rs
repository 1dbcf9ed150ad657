//! Submitting: check everything that can be checked, then pay once.

mod builder;
mod change;
mod check;
mod gate;
mod pay;

pub use builder::Submit;

pub(crate) use change::Changes;
pub(crate) use gate::Gate;
