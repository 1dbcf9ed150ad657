//! Files that only the socket names: what nodes show on the way, and what a task that failed had saved.

mod address;
mod keep;

pub use keep::{Intermediate, Intermediates};
