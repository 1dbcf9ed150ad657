//! What a media asset is, and a group of them.

use runninghub_core::Untrusted;
use serde::{Deserialize, Serialize};

use super::super::account::untrusted;

/// What kind of medium an asset is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub enum AssetType {
    /// Sound.
    Audio,
    /// A picture.
    Image,
    /// A film.
    Video,
}

/// A picture, film or sound that models take as `asset://<id>`.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
#[serde(default, rename_all = "camelCase")]
pub struct Asset {
    /// Its id.
    #[serde(alias = "id", deserialize_with = "untrusted")]
    pub asset_id: Option<Untrusted>,
    /// What its owner calls it.
    #[serde(deserialize_with = "untrusted")]
    pub name: Option<Untrusted>,
    /// The group that it is in.
    #[serde(deserialize_with = "untrusted")]
    pub group_id: Option<Untrusted>,
    /// `Image`, `Video` or `Audio`.
    #[serde(deserialize_with = "untrusted")]
    pub asset_type: Option<Untrusted>,
    /// How far it is: see [`Asset::is_ready`].
    #[serde(deserialize_with = "untrusted")]
    pub status: Option<Untrusted>,
    /// A picture of it.
    #[serde(deserialize_with = "untrusted")]
    pub preview_url: Option<Untrusted>,
}

impl Asset {
    /// Whether models can use it. Several words for that have been seen.
    pub fn is_ready(&self) -> bool {
        let status = self.status.as_ref().map(Untrusted::raw).unwrap_or_default();
        ["ACTIVE", "SUCCESS", "READY", "COMPLETED"].iter().any(|ready| status.eq_ignore_ascii_case(ready))
    }
}

/// A group of assets.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
#[serde(default, rename_all = "camelCase")]
pub struct AssetGroup {
    /// Its id.
    #[serde(alias = "id", deserialize_with = "untrusted")]
    pub group_id: Option<Untrusted>,
    /// What its owner calls it.
    #[serde(deserialize_with = "untrusted")]
    pub name: Option<Untrusted>,
    /// What it is for.
    #[serde(deserialize_with = "untrusted")]
    pub description: Option<Untrusted>,
}
