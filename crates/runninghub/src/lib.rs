#![doc = include_str!("../README.md")]

pub mod app;
mod backend;
mod book;
mod callback;
mod driver;
mod error;
mod follow;
mod history;
mod hub;
mod live;
mod manifest;
mod naming;
mod native;
mod platform;
mod record;
mod replay;
mod run;
mod save;
mod settle;
mod submit;
#[cfg(feature = "webhook")]
mod webhook;
mod workflow;

pub use backend::{Backend, BackendError};
pub use error::{Error, ErrorKind};
pub use follow::Follow;
pub use history::History;
pub use hub::{Builder, RunningHub};
pub use native::{Comfy, ComfyBuilder, FollowPrompt, Prompt, Queue, Queued};
pub use replay::{Replay, ReplayRun, Speed};
pub use run::Run;
pub use runninghub_api::{Account, ApiKey, InstanceType, QueueStatus, Site};
pub use runninghub_api::{
    App, AppField, AppSort, Choice, FieldKind, ListApps, ListedApp, Page, QuickStyle, Range,
};
pub use runninghub_api::{WebhookDetail, WebhookUrl};
pub use runninghub_core::*;
#[doc(inline)]
pub use runninghub_ledger as ledger;
pub use runninghub_transport::Redactor;
pub use save::{Save, Saved, SavedFile, SavedTask};
pub use submit::{AppSubmit, Submit};
#[cfg(feature = "webhook")]
pub use webhook::Webhooks;
pub use workflow::Workflow;

pub(crate) use error::chain;

/// The code in the repository's README compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
