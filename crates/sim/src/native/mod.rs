//! A simulated ComfyUI server: RunningHub runs one behind its API, and users run their own.

mod builder;
mod classes;
mod http;
mod improvise;
mod login;
mod play;
mod queue;
mod server;
mod socket;
mod state;
mod validate;
mod version;

pub use builder::{Native, NativeBuilder};
