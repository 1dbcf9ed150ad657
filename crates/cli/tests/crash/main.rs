//! Processes that die at every change of state, and at any moment.
#![cfg(unix)]

mod batch;
mod batch_kills;
mod failpoints;
mod kills;
mod lab;
mod slots;
mod webhook;
