//! Named faults of the simulator.
//!
//! A fault is a value; it takes effect in the hooks of [`Faults`], one file for each hook.

mod address;
mod answer;
mod kinds;
mod network;
mod parse;
mod result;
mod run;
mod socket;

pub use self::kinds::{Fault, FaultInfo, Rate};
pub(crate) use self::{address::Address, answer::Instead, kinds::Faults, result::Delivery, socket::Fate};
