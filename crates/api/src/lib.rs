#![doc = include_str!("../README.md")]
#![warn(clippy::expect_used, clippy::unwrap_used)]

mod budget;
mod client;
mod code;
mod download;
mod endpoint;
mod envelope;
mod error;
mod exchange;
mod file_progress;
mod hold;
mod http;
mod key;
mod key_kind;
mod lanes;
mod lenient;
mod observation;
mod payload;
mod recorded;
mod redact;
mod retry;
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
    api_keys::{ApiKeyInfo, ListApiKeys},
    app::{App, AppField, AppTag, FieldKind, GetApp},
    app_list::{AppSort, ListApps, ListedApp},
    assets::{
        asset::{Asset, AssetGroup, AssetType},
        create::CreateAsset,
        create_group::CreateAssetGroup,
        delete::DeleteAsset,
        delete_group::DeleteAssetGroup,
        list::ListAssets,
        list_groups::ListAssetGroups,
        query::GetAsset,
        query_group::GetAssetGroup,
        update::UpdateAsset,
        update_group::UpdateAssetGroup,
    },
    cancel::Cancel,
    create::{Create, NodeInput},
    created::{Created, PromptTips},
    field_data::{Choice, Range},
    lora::{UploadLora, UploadedLora},
    model_price::{GetModelPrice, ModelPrice},
    outputs::Outputs,
    page::Page,
    query::Query,
    queue_status::{GetQueueStatus, QueueStatus},
    quick_styles::{GetQuickStyles, QuickStyle},
    resources::{ListResources, Resource, ResourceTag, ResourceType, ResourceVersion},
    run_options::{InstanceType, RunOptions},
    status::Status,
    upload::{DownloadUrl, FileName, Upload, UploadSource, Uploaded},
    upload_legacy::UploadLegacy,
    webhook_detail::{GetWebhookDetail, WebhookDetail, WebhookUrl},
    webhook_retry::RetryWebhook,
    workflow::GetWorkflow,
};
pub use error::{Error, ErrorKind};
pub use exchange::{Exchange, Finished};
pub use file_progress::{Direction, FileProgress};
pub use key::ApiKey;
pub use key_kind::KeyKind;
pub use recorded::{read_created, read_observation};
pub use retry::{CreateOutcome, Retry};
pub use runninghub_core::Site;
