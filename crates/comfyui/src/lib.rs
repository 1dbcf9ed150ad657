#![doc = include_str!("../README.md")]
#![warn(clippy::expect_used, clippy::unwrap_used)]

mod client;
mod endpoint;
mod error;
mod http;
mod tls;

pub use client::{Client, ClientBuilder};
pub use endpoint::{
    history::{Finished, Outcome, Product},
    jobs::Job,
    object_info::ClassInfo,
    prompt::{Accepted, NodeError, NodeErrors, Rejected},
    queue::{Queue, Queued},
    system_stats::SystemStats,
    upload::UploadedImage,
};
pub use error::{Error, ErrorKind};
pub use http::Exchange;
