//! Following a task: what to ask, when to dial, what to tell. Still without I/O and without a clock.

mod dial;
mod follow;
mod pace;
mod poll;

#[cfg(test)]
mod tests;

pub use follow::{Action, Input, Session};
pub use pace::Pace;
