#![doc = include_str!("../README.md")]
#![warn(clippy::expect_used, clippy::unwrap_used)]

mod amount;
mod digits;
mod error;
mod event;
mod failure;
mod figures;
mod graph;
mod id;
mod learned;
mod line;
mod machine;
mod net;
mod node_error;
mod node_file;
mod outcome;
mod place;
mod plan;
mod priors;
mod progress;
#[cfg(feature = "schema")]
mod schema;
mod secret;
mod sentence;
mod session;
mod task;
mod untrusted;
mod width;
mod wire;

pub use amount::{Amount, NoAmount};
pub use digits::{is_rounded, rounded_number};
pub use error::{Error, ErrorKind};
pub use event::{Direction, End, Event, Submitted, Transfer};
pub use failure::{FailureKind, Repeat};
pub use graph::{Graph, Node, editor_workflow, is_not_a_number, link, saved_nodes};
pub use id::{ClientId, NodeId, PromptId, TaskId, WebappId, WorkflowId, is_platform_id, is_task_id, is_uuid};
pub use learned::Learned;
pub use line::{FORMAT, Line};
pub use machine::{Confirm, Machine};
pub use net::is_public;
pub use node_error::NodeError;
pub use node_file::NodeFile;
pub use outcome::{Amounts, Charge, Outcome, Output, Verdict, number};
pub use place::{Kind, NativeProxy, Place, Site, UnknownProxy, UnknownSite};
pub use plan::{Plan, PlanNode};
pub use priors::{Expected, NodeKind, Priors};
pub use progress::{
    Basis, Connection, ConnectionState, CurrentNode, Eta, NodeProgress, NodeState, Phase, Progress,
};
pub use secret::{FileUrl, SocketUrl};
pub use sentence::{Fact, Sentence};
pub use session::{Action, Input, Known, Pace, Session, Suspend};
pub use task::{Cost, Failure, Observation, OutputFile, TaskStatus};
pub use untrusted::Untrusted;
pub use width::half_width;
use wire::repair_with;
pub use wire::{Binary, ExecutionError, Message, StateEntry, StateNodes, decode_binary, decode_text, repair};
