#![doc = include_str!("../README.md")]
#![warn(clippy::expect_used, clippy::unwrap_used)]

pub mod answer;
pub mod app;
mod attempts;
mod backend;
mod cancel;
#[cfg(feature = "conformance")]
#[expect(clippy::expect_used, reason = "a suite of tests fails by panicking")]
pub mod conformance;
mod driver;
mod error;
mod event_file;
mod fields;
mod follow;
mod follow_with;
mod history;
mod hub;
mod intermediate;
mod launch;
mod live;
mod manifest;
mod naming;
mod native;
mod observed;
mod platform;
mod previews;
mod probe;
mod recipe;
mod record;
mod recorded;
mod replay;
mod resolve;
mod run;
mod save;
mod service;
mod submit;
pub mod testing;
mod upload;
#[cfg(feature = "webhook")]
mod webhook;
mod webhook_detail;
mod work;
mod workflow;
mod workspace;

pub use backend::{Backend, BackendError};
pub use error::{Error, ErrorKind, sentence_of};
pub use fields::{Field, Fields};
pub use follow::Follow;
pub use follow_with::{FollowWith, follow_with};
pub use history::History;
pub use hub::{Builder, RunningHub};
pub use intermediate::{Intermediate, Intermediates};
pub use manifest::{holds_results, saved_results};
pub use native::{Comfy, ComfyBuilder, Queue, Queued};
pub use previews::PreviewFolder;
pub use probe::Probe;
pub use recipe::{Given, Recipe, RunFile};
pub use record::dimensions;
pub use recorded::Recorded;
pub use replay::{Replay, ReplayRun, Speed};
pub use run::Run;
#[doc(inline)]
pub use runninghub_api as api;
pub use runninghub_api::{
    Account, ApiKey, Class, Code, InstanceType, KeyKind, ModelPrice, QueueStatus, UploadedFile, UploadedLora,
};
pub use runninghub_api::{
    App, AppField, AppSort, Choice, FieldKind, List, ListedApp, Page, QuickStyle, Range,
};
pub use runninghub_api::{WebhookDetail, WebhookUrl};
#[doc(inline)]
pub use runninghub_catalog as catalog;
pub use runninghub_core::{
    Amounts, Charge, ClientId, Cost, End, Event, FORMAT, Fact, Failure, FailureKind, FileUrl, Kind, Line,
    NativeProxy, NodeError, NodeId, Observation, Outcome, Output, OutputFile, Place, PromptId, Repeat,
    Sentence, Site, SocketUrl, Submitted, TaskId, TaskStatus, Transfer, Untrusted, Verdict, WebappId,
    WorkflowId, half_width, is_platform_id, is_task_id, is_uuid, rounded_number, say,
};
pub use runninghub_core::{
    Basis, Connection, ConnectionState, CurrentNode, Eta, Expected, Learned, NodeKind, NodeProgress,
    NodeState, Phase, Plan, PlanNode, Priors, Progress,
};
/// For a follower of your own: messages, graphs and the progress machine, without any I/O.
pub use runninghub_core::{
    Binary, Confirm, ExecutionError, Graph, Input, Machine, Message, Node, NodeFile, Pace, decode_binary,
    decode_text, editor_workflow, link,
};
#[doc(inline)]
pub use runninghub_ledger as ledger;
#[doc(inline)]
pub use runninghub_net as net;
pub use runninghub_net::{Direction, FileProgress, NetOptions, SavedFile};
#[doc(inline)]
pub use runninghub_transport as transport;
pub use runninghub_transport::{Connect, Redactor};
pub use save::{Save, Saved, SavedTask};
pub use service::Service;
pub use submit::{BatchItem, BatchQueue, Busy, SubmitStep, check_webhook};
#[cfg(feature = "webhook")]
pub use webhook::{Deliveries, WebhookService, Webhooks};
pub use work::{Submit, Work};
pub use workflow::{Workflow, embedded_workflow};
pub use workspace::{Destination, Finished, Found, Handle, Recordings, Snapshot, Workspace};

/// The code in the repository's README compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// The code in the guide compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/comfyui.md")]
struct ComfyGuide;

/// The code in the document about progress compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/progress.md")]
struct ProgressGuide;

/// The code in the document about events runs.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/events.md")]
struct EventsGuide;

/// The code in the document about models compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/models.md")]
struct Models;

/// The code in the document about tests runs.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/testing.md")]
struct TestingGuide;
