//! Facts about an account: amounts, slots, keys, resources and assets.

use runninghub_api::{self as api, QueueStatus, ResourceVersion};
use runninghub_core::{Untrusted, number};
use serde::Serialize;

/// The account's balance. Amounts are text, as the platform sends them, and numbers.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Account {
    /// RunningHub coins.
    pub coins: Option<Untrusted>,
    /// The wallet.
    pub money: Option<Untrusted>,
    /// The same as numbers.
    pub numbers: Balance,
    /// Of the wallet.
    pub currency: Option<Untrusted>,
    /// The kind of key.
    pub key_type: Option<Untrusted>,
    /// Tasks that run now.
    pub running: Option<u64>,
    /// Tasks that wait in the platform's queue.
    pub queued: Option<u64>,
    /// The number of tasks that may run at once.
    pub slots: Option<u64>,
    /// Slots that are free now.
    pub free: Option<u64>,
}

/// The amounts of an [`Account`] as numbers; null if absent.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Balance {
    /// RunningHub coins.
    pub coins: Option<f64>,
    /// The wallet.
    pub money: Option<f64>,
}

/// The load of the key.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Slots {
    /// The kind of key.
    pub key_type: Option<Untrusted>,
    /// Tasks that run now.
    pub running: Option<u64>,
    /// Tasks that wait in the platform's queue.
    pub queued: Option<u64>,
    /// The number of tasks that may run at once.
    pub slots: Option<u64>,
}

/// A key of the account.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Key {
    /// Its beginning and its end.
    pub key: Option<Untrusted>,
    /// Its owner's name for it.
    pub name: Option<Untrusted>,
    /// Whether it is enabled.
    pub on: Option<bool>,
    /// Its spending limit; null without one.
    pub quota: Option<Untrusted>,
    /// The amount spent.
    pub used: Option<Untrusted>,
    /// Its expiry, as the platform writes it.
    pub expires: Option<Untrusted>,
}

/// A model or a LoRA that workflows can load.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Resource {
    /// Its id.
    pub id: Option<Untrusted>,
    /// Its name.
    pub name: Option<Untrusted>,
    /// Who made it.
    pub owner: Option<Untrusted>,
    /// Its category.
    pub tags: Vec<Tag>,
    /// Its versions, as the platform orders them.
    pub versions: Vec<ResourceFile>,
}

/// Something under which resources are filed.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tag {
    /// Its id, for listing its resources.
    pub id: Option<Untrusted>,
    /// Its name.
    pub name: Option<Untrusted>,
}

/// A version of a resource.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResourceFile {
    /// Its name.
    pub version: Option<Untrusted>,
    /// The value for a loader's field.
    pub file: Option<Untrusted>,
    /// The family of models that it belongs to.
    pub family: Option<Untrusted>,
    /// The trigger words of a LoRA.
    pub trigger_words: Option<Untrusted>,
}

/// An image, video or sound that models take as `asset://ID`.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Asset {
    /// Its id.
    pub id: Option<Untrusted>,
    /// Its owner's name for it.
    pub name: Option<Untrusted>,
    /// The group that it is in.
    pub group: Option<Untrusted>,
    /// `Image`, `Video` or `Audio`.
    #[serde(rename = "type")]
    pub kind: Option<Untrusted>,
    /// Its state, in the platform's word.
    pub status: Option<Untrusted>,
    /// Whether models can use it.
    pub ready: bool,
}

/// A group of assets.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AssetGroup {
    /// Its id.
    pub id: Option<Untrusted>,
    /// Its owner's name for it.
    pub name: Option<Untrusted>,
    /// What it is for.
    pub description: Option<Untrusted>,
    /// Whether it was just removed.
    pub deleted: bool,
}

impl Account {
    /// An account and how busy its key is.
    pub fn new(account: api::Account, queue: QueueStatus) -> Self {
        let running = queue.running_count.or(account.current_task_counts);
        let number = |text: &Option<Untrusted>| text.as_ref().and_then(|text| number(text.raw()));
        Self {
            numbers: Balance { coins: number(&account.remain_coins), money: number(&account.remain_money) },
            coins: account.remain_coins,
            money: account.remain_money,
            currency: account.currency,
            key_type: queue.api_key_type.or(account.api_type),
            running,
            queued: queue.queued_count,
            slots: queue.concurrent_limit,
            free: queue.concurrent_limit.map(|slots| slots.saturating_sub(running.unwrap_or(0))),
        }
    }
}

impl From<QueueStatus> for Slots {
    fn from(status: QueueStatus) -> Self {
        Self {
            key_type: status.api_key_type,
            running: status.running_count,
            queued: status.queued_count,
            slots: status.concurrent_limit,
        }
    }
}

impl From<api::ApiKeyInfo> for Key {
    fn from(key: api::ApiKeyInfo) -> Self {
        Self {
            key: key.key,
            name: key.name,
            on: key.is_on,
            quota: key.quota_limit,
            used: key.quota_used,
            expires: key.expire_at,
        }
    }
}

impl From<api::Resource> for Resource {
    fn from(resource: api::Resource) -> Self {
        let mut versions: Vec<ResourceFile> = resource.versions.into_iter().map(Into::into).collect();
        if versions.is_empty() {
            versions.push(ResourceFile { file: resource.node_model_name, ..ResourceFile::default() });
        }
        Self {
            id: resource.id,
            name: resource.name,
            owner: resource.owner,
            tags: resource.tags.into_iter().map(|tag| Tag { id: tag.id, name: tag.name }).collect(),
            versions,
        }
    }
}

impl From<ResourceVersion> for ResourceFile {
    fn from(version: ResourceVersion) -> Self {
        Self {
            version: version.version,
            file: version.file,
            family: version.base_model,
            trigger_words: version.trigger_words,
        }
    }
}

impl From<api::Asset> for Asset {
    fn from(asset: api::Asset) -> Self {
        let ready = asset.is_ready();
        Self {
            id: asset.asset_id,
            name: asset.name,
            group: asset.group_id,
            kind: asset.asset_type,
            status: asset.status,
            ready,
        }
    }
}

impl From<api::AssetGroup> for AssetGroup {
    fn from(group: api::AssetGroup) -> Self {
        Self { id: group.group_id, name: group.name, description: group.description, deleted: false }
    }
}
