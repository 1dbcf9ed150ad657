//! Faults by name: what the simulator can be told to do wrong.
//!
//! A fault is a value; the places where it takes effect are the hooks of [`Faults`], one file for each of them.

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
