//! Media assets and their groups.

use runninghub_core::Untrusted;
use serde::{Deserialize, Serialize};

use super::super::account::untrusted;

/// The type of an asset.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub enum AssetType {
    /// Audio.
    Audio,
    /// An image.
    Image,
    /// A video.
    Video,
}

/// An image, video or audio file that models accept as `asset://<id>`.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
#[serde(default, rename_all = "camelCase")]
pub struct Asset {
    /// Its id.
    #[serde(alias = "id", deserialize_with = "untrusted")]
    pub asset_id: Option<Untrusted>,
    /// The name that its owner gave it.
    #[serde(deserialize_with = "untrusted")]
    pub name: Option<Untrusted>,
    /// The group that contains it.
    #[serde(deserialize_with = "untrusted")]
    pub group_id: Option<Untrusted>,
    /// `Image`, `Video` or `Audio`.
    #[serde(deserialize_with = "untrusted")]
    pub asset_type: Option<Untrusted>,
    /// Its state: see [`Asset::is_ready`].
    #[serde(deserialize_with = "untrusted")]
    pub status: Option<Untrusted>,
    /// The URL of a preview image.
    #[serde(deserialize_with = "untrusted")]
    pub preview_url: Option<Untrusted>,
}

impl Asset {
    /// Whether models can use it. The platform has several words for that.
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
    /// The name that its owner gave it.
    #[serde(deserialize_with = "untrusted")]
    pub name: Option<Untrusted>,
    /// Its description.
    #[serde(deserialize_with = "untrusted")]
    pub description: Option<Untrusted>,
}
