//! One file per command, and the door to them.

mod account;
mod app;
mod comfy;
mod context;
#[cfg(feature = "sim")]
mod demo;
mod follow;
mod form;
mod quick;
mod replay;
mod run;
mod save;
mod service;
#[cfg(feature = "sim")]
mod simulate;
mod start;
mod submit;
mod task;
mod tasks;
mod watch;
mod webhook;
mod workflow;

pub(crate) use start::{misused, run};
