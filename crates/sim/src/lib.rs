#![doc = include_str!("../README.md")]
#![warn(clippy::expect_used, clippy::unwrap_used)]

mod answer;
mod app;
mod call;
mod endpoint;
mod error;
mod fault;
mod json;
mod model;
mod native;
mod png;
mod proxy;
mod rule;
mod scenario;
mod server;
mod sim;
mod socket;
mod state;
mod stats;
mod task;
mod webhook;

pub use app::App;
pub use error::{Error, ErrorKind};
pub use fault::{Fault, FaultInfo, Rate};
pub use model::Model;
pub use native::{Native, NativeBuilder};
#[cfg(feature = "tls")]
pub use proxy::{Authority, Certificate};
pub use proxy::{FaultProxy, Seen, Toxic};
pub use rule::Rule;
pub use scenario::{Recorded, Scenario, Script, ScriptNode};
pub use sim::{Sim, SimBuilder};
pub use stats::{Stats, TaskInfo};
