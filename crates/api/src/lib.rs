#![doc = include_str!("../README.md")]

mod budget;
mod client;
mod code;
mod download;
mod endpoint;
mod envelope;
mod error;
mod exchange;
mod hold;
mod http;
mod key;
mod key_kind;
mod lanes;
mod lenient;
mod observation;
mod recorded;
mod redact;
mod retry;
mod site;
mod uploads;

pub use client::{Client, ClientBuilder};
pub use code::{Class, Code};
pub use download::{
    Download, Downloaded,
    file_name::{extension, numbered, result_name, sanitize},
    folder::{check_folder, holds, open_file, replace_file},
};
pub use endpoint::{
    account::{Account, AccountStatus},
    cancel::Cancel,
    create::{Create, Created, InstanceType, NodeInput, PromptTips},
    lora::{UploadLora, UploadedLora},
    outputs::Outputs,
    query::Query,
    queue_status::{GetQueueStatus, QueueStatus},
    status::Status,
    upload::{DownloadUrl, FileName, Upload, UploadSource, Uploaded},
    upload_legacy::UploadLegacy,
    workflow::GetWorkflow,
};
pub use error::{Error, ErrorKind};
pub use exchange::{Exchange, Finished};
pub use key::ApiKey;
pub use key_kind::KeyKind;
pub use recorded::{read_created, read_observation};
pub use retry::{CreateOutcome, Retry};
pub use site::Site;
