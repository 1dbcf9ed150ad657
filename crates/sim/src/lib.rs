#![doc = include_str!("../README.md")]

mod answer;
mod call;
mod endpoint;
mod error;
mod fault;
mod json;
mod png;
mod scenario;
mod server;
mod sim;
mod socket;
mod state;
mod stats;
mod task;
mod webhook;

pub use error::{Error, ErrorKind};
pub use fault::{Fault, FaultInfo, Rate};
pub use scenario::{Scenario, Script, ScriptNode};
pub use sim::{Sim, SimBuilder};
pub use stats::{Stats, TaskInfo};
