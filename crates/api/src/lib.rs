#![doc = include_str!("../README.md")]

mod client;
mod code;
mod download;
mod endpoint;
mod envelope;
mod error;
mod exchange;
mod http;
mod key;
mod lanes;
mod lenient;
mod observation;
mod recorded;
mod redact;
mod retry;
mod site;

pub use client::{Client, ClientBuilder};
pub use code::{Class, Code};
pub use download::{
    Download, Downloaded,
    file_name::{extension, result_name, sanitize},
    save::save_bytes,
};
pub use endpoint::{
    account::{Account, AccountStatus},
    cancel::Cancel,
    create::{Create, Created, InstanceType, NodeInput, PromptTips},
    outputs::Outputs,
    query::Query,
    queue_status::{GetQueueStatus, QueueStatus},
    status::Status,
    upload::{DownloadUrl, FileName, Upload, UploadSource, Uploaded},
    workflow::GetWorkflow,
};
pub use error::{Error, ErrorKind};
pub use exchange::{Exchange, Finished};
pub use key::ApiKey;
pub use recorded::{read_created, read_observation};
pub use retry::{CreateOutcome, Retry};
pub use site::Site;
