//! Follows a task: when to poll, when to dial, what to emit. Still without I/O and without a clock.

mod dial;
mod exchange;
mod follow;
mod jitter;
mod pace;
mod poll;
mod suspend;

#[cfg(test)]
mod tests;

pub use exchange::{Action, Input, Known};
pub use follow::Session;
pub use pace::Pace;
pub use suspend::Suspend;
