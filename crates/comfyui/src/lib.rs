#![doc = include_str!("../README.md")]
#![warn(clippy::expect_used, clippy::unwrap_used)]

mod client;
mod editor;
mod endpoint;
mod error;
mod http;
mod recorded;

pub use client::{Client, ClientBuilder};
pub use editor::{EditorError, EditorWorkflow};
pub use endpoint::{
    history::{Finished, Outcome, Product},
    jobs::Job,
    object_info::ClassInfo,
    prompt::{Accepted, Rejected},
    queue::{Queue, Queued},
    system_stats::SystemStats,
    upload::UploadedImage,
};
pub use error::{Error, ErrorKind};
pub use recorded::{read_finished, view_path};
/// Options for the network, and their errors.
#[doc(inline)]
pub use runninghub_net as net;
