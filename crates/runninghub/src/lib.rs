#![doc = include_str!("../README.md")]

mod backend;
mod driver;
mod error;
mod follow;
mod history;
mod hub;
mod manifest;
mod naming;
mod platform;
mod record;
mod replay;
mod run;
mod save;
mod submit;
mod workflow;

pub use backend::{Backend, BackendError};
pub use error::{Error, ErrorKind};
pub use follow::Follow;
pub use history::History;
pub use hub::{Builder, RunningHub};
pub use replay::{Replay, ReplayRun, Speed};
pub use run::Run;
pub use runninghub_api::{Account, ApiKey, InstanceType, QueueStatus, Site};
pub use runninghub_core::*;
pub use save::{Save, Saved, SavedFile, SavedTask};
pub use submit::Submit;
pub use workflow::Workflow;

pub(crate) use error::chain;

/// The code in the repository's README compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
