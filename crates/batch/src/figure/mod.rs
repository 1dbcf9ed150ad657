//! The progress of a batch, and the time left.

mod durations;
mod eta;
mod overall;

pub use durations::Durations;
pub use eta::{Band, Running, forecast};
pub use overall::{Overall, Rebased};
