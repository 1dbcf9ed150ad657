//! Files that only the socket names: those that nodes show during the run, and those that a failed task had saved.

mod address;
mod keep;

pub use keep::{Intermediate, Intermediates};
