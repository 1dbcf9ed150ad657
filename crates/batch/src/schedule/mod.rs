//! The scheduler: which row starts next, and on which key.

mod apply;
mod brakes;
mod decision;
mod event;
mod key;
mod limits;
mod money;
mod next;
mod queue;
mod rate;
mod state;

pub use decision::{Decision, Paused, Waiting};
pub use event::{Event, Fault};
pub use limits::{Limits, Standing, Work};
pub use state::{Schedule, Tally};
