//! The fuzz targets: each function takes any bytes, must not panic, and must keep its documented invariants.

mod targets;

pub use targets::{create, decode, envelope, escape, machine, name, redact, tape};
