//! The progress machine: frames in, a true percentage out.

mod apply;
mod booking;
mod estimate;
mod node;
mod nodes;
mod route;
mod show;
mod state;

#[cfg(test)]
mod tests;

pub use state::{Confirm, Machine};
