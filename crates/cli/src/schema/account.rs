//! What `account`, `queue`, `resources` and `assets` tell.

use runninghub::{
    Untrusted,
    api::{self, QueueStatus, ResourceVersion},
};
use schemars::JsonSchema;
use serde::Serialize;

/// How busy the key is.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(crate) struct Load {
    /// The kind of key.
    #[schemars(with = "Option<String>")]
    pub(crate) key_type: Option<Untrusted>,
    /// Tasks that run now.
    pub(crate) running: Option<u64>,
    /// Tasks that wait in the platform's queue.
    pub(crate) queued: Option<u64>,
    /// How many tasks may run at once.
    pub(crate) slots: Option<u64>,
}

/// A key of the account.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(crate) struct ListedKey {
    /// Its beginning and its end.
    #[schemars(with = "Option<String>")]
    pub(crate) key: Option<Untrusted>,
    #[schemars(with = "Option<String>")]
    pub(crate) name: Option<Untrusted>,
    /// Whether it is switched on.
    pub(crate) on: Option<bool>,
    /// How much it may spend; null without a limit.
    #[schemars(with = "Option<String>")]
    pub(crate) quota: Option<Untrusted>,
    /// How much it has spent.
    #[schemars(with = "Option<String>")]
    pub(crate) used: Option<Untrusted>,
    #[schemars(with = "Option<String>")]
    pub(crate) expires: Option<Untrusted>,
}

/// A model or a LoRA that workflows can load.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(crate) struct Resource {
    #[schemars(with = "Option<String>")]
    pub(crate) id: Option<Untrusted>,
    #[schemars(with = "Option<String>")]
    pub(crate) name: Option<Untrusted>,
    #[schemars(with = "Option<String>")]
    pub(crate) owner: Option<Untrusted>,
    pub(crate) tags: Vec<Tag>,
    pub(crate) versions: Vec<ResourceFile>,
}

/// Something under which resources are filed.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(crate) struct Tag {
    /// For `--tag`.
    #[schemars(with = "Option<String>")]
    pub(crate) id: Option<Untrusted>,
    #[schemars(with = "Option<String>")]
    pub(crate) name: Option<Untrusted>,
}

/// A version of a resource.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(crate) struct ResourceFile {
    #[schemars(with = "Option<String>")]
    pub(crate) version: Option<Untrusted>,
    /// What the field of a loader takes.
    #[schemars(with = "Option<String>")]
    pub(crate) file: Option<Untrusted>,
    /// The family of models that it belongs to.
    #[schemars(with = "Option<String>")]
    pub(crate) family: Option<Untrusted>,
    /// The words that make a LoRA work.
    #[schemars(with = "Option<String>")]
    pub(crate) trigger_words: Option<Untrusted>,
}

/// A picture, film or sound that models take as `asset://ID`.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(crate) struct Asset {
    #[schemars(with = "Option<String>")]
    pub(crate) id: Option<Untrusted>,
    #[schemars(with = "Option<String>")]
    pub(crate) name: Option<Untrusted>,
    #[schemars(with = "Option<String>")]
    pub(crate) group: Option<Untrusted>,
    #[serde(rename = "type")]
    #[schemars(with = "Option<String>")]
    pub(crate) kind: Option<Untrusted>,
    #[schemars(with = "Option<String>")]
    pub(crate) status: Option<Untrusted>,
    /// Whether models can use it.
    pub(crate) ready: bool,
}

/// A group of assets.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(crate) struct AssetGroup {
    #[schemars(with = "Option<String>")]
    pub(crate) id: Option<Untrusted>,
    #[schemars(with = "Option<String>")]
    pub(crate) name: Option<Untrusted>,
    #[schemars(with = "Option<String>")]
    pub(crate) description: Option<Untrusted>,
    /// Whether it was removed just now.
    pub(crate) deleted: bool,
}

impl From<QueueStatus> for Load {
    fn from(status: QueueStatus) -> Self {
        Self {
            key_type: status.api_key_type,
            running: status.running_count,
            queued: status.queued_count,
            slots: status.concurrent_limit,
        }
    }
}

impl From<api::ApiKeyInfo> for ListedKey {
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
