//! A simulated ComfyUI server: what RunningHub runs behind its API, and what stands on people's own machines.

mod builder;
mod classes;
mod http;
mod improvise;
mod play;
mod queue;
mod server;
mod socket;
mod state;
mod validate;
mod version;

pub use builder::{Native, NativeBuilder};
