#![doc = include_str!("../README.md")]
#![warn(clippy::expect_used, clippy::unwrap_used)]

mod budget;
mod client;
mod code;
mod endpoint;
mod envelope;
mod error;
mod http;
mod key;
mod key_kind;
mod lenient;
mod observation;
mod payload;
mod probe;
mod rate_limit;
mod recorded;
mod redact;
mod retry;
mod uploads;

pub use client::{Client, ClientBuilder, base_url};
pub use code::{Class, Code};
pub use endpoint::{
    account::Account,
    api_keys::ApiKeyInfo,
    app::{App, AppField, AppTag, FieldKind},
    app_list::{AppSort, ListedApp},
    asset_groups::AssetGroup,
    assets::{Asset, AssetType},
    create::{CreateTask, NodeInput},
    created::{CreatedTask, PromptTips},
    field_data::{Choice, Range},
    lora::{UploadLora, UploadedLora},
    model_price::{GetModelPrice, ModelPrice},
    page::{List, Page},
    queue_status::QueueStatus,
    quick_styles::QuickStyle,
    resources::{Resource, ResourceTag, ResourceType, ResourceVersion},
    run_options::{InstanceType, RunOptions},
    task_request::TaskRequest,
    upload::{DownloadUrl, FileName, UploadFile, UploadSource, UploadedFile},
    webhook_detail::{WebhookDetail, WebhookUrl},
};
pub use error::{Error, ErrorKind};
pub use key::ApiKey;
pub use key_kind::KeyKind;
pub use probe::probe;
pub use recorded::{read_created, read_observation};
pub use retry::{CreateOutcome, Retry};
pub use runninghub_core::Site;
/// Options for the network, downloads, and their errors.
#[doc(inline)]
pub use runninghub_net as net;
