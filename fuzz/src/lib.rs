//! What is fuzzed: each function takes any bytes and must neither panic nor break the laws it names.

mod targets;

pub use targets::{create, decode, envelope, escape, machine, name, redact, tape};
