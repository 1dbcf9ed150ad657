//! Following a task: what to ask, when to dial, what to tell. Still without I/O and without a clock.

mod dial;
mod pace;
mod poll;
mod follow;

#[cfg(test)]
mod tests;

pub use pace::Pace;
pub use follow::{Action, Input, Session};
