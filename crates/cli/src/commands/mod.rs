//! The commands, one file each, and their dispatch.

mod account;
mod app;
mod assets;
mod batch;
mod config;
mod context;
#[cfg(feature = "sim")]
mod demo;
mod doctor;
mod errors;
mod follow;
mod form;
mod hook;
mod login;
mod manual;
mod model;
mod open;
mod previews;
mod priors;
mod quick;
mod replay;
mod report;
mod rerun;
mod resources;
mod run;
mod save;
mod service;
#[cfg(feature = "sim")]
mod simulate;
mod slot;
mod start;
mod submit;
mod task;
mod tasks;
mod test;
mod upload;
mod watch;
mod watch_many;
mod webhook;
mod workflow;

pub(crate) use context::state_dir;
pub(crate) use start::{misused, run};
