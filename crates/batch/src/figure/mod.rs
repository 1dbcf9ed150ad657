//! How far a batch is, and how long it still takes.

mod durations;
mod eta;
mod overall;

pub use durations::Durations;
pub use eta::{Band, Running, forecast};
pub use overall::{Overall, Rebased};
