//! Media assets for models that accept `asset://<id>`.
//!
//! Of some endpoints only the path is documented; their fields are taken from `create` and `query`.

use runninghub_core::{Untrusted, say};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    account::untrusted,
    page::{Endpoint, List},
};
use crate::{
    Client, Error,
    http::{Answer, Call},
};

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
    /// Whether models can use it. The platform uses several words for that.
    pub fn is_ready(&self) -> bool {
        let status = self.status.as_ref().map(Untrusted::raw).unwrap_or_default();
        ["ACTIVE", "SUCCESS", "READY", "COMPLETED"].iter().any(|ready| status.eq_ignore_ascii_case(ready))
    }
}

static ASSETS: Endpoint = Endpoint {
    name: "media assets",
    path: "/openapi/v2/assets/list",
    fields: ["pageNumber", "pageSize"],
    most: 100,
    usage: say!("pages count from 1 and have 1 to 100 entries"),
    is_numbered: false,
};

impl Client {
    /// `POST /openapi/v2/assets/create`: creates a media asset in a group, from a file with a URL, such as an upload's.
    ///
    /// It takes a while to become ready ([`Asset::is_ready`]). Sent once: a second request would create another asset.
    ///
    /// # Errors
    /// When there is no response, or the platform refuses the request.
    pub async fn create_asset(
        &self,
        group_id: &str,
        url: &str,
        asset_type: AssetType,
        name: Option<&str>,
    ) -> Result<Asset, Error> {
        let mut fields = json!({ "groupId": group_id, "url": url, "assetType": asset_type });
        if let Some(name) = name {
            fields["name"] = name.into();
        }
        let call = Call::repeatable("create asset", "/openapi/v2/assets/create").once(true);
        self.post_v2(call, &fields, Answer::data).await
    }

    /// `POST /openapi/v2/assets/list`: lists media assets.
    pub fn assets(&self) -> List<Asset> {
        List::new(self, &ASSETS)
    }

    /// `POST /openapi/v2/assets/query`: fetches the state of a media asset.
    ///
    /// # Errors
    /// When there is no response, or the platform refuses the request.
    pub async fn asset(&self, asset_id: &str) -> Result<Asset, Error> {
        let call = Call::repeatable("asset", "/openapi/v2/assets/query");
        self.post_v2(call, &json!({ "assetId": asset_id }), Answer::data).await
    }

    /// `POST /openapi/v2/assets/update`: renames a media asset.
    ///
    /// # Errors
    /// When there is no response, or the platform refuses the request.
    pub async fn update_asset(&self, asset_id: &str, name: &str) -> Result<(), Error> {
        let call = Call::repeatable("update asset", "/openapi/v2/assets/update");
        self.post_v2(call, &json!({ "assetId": asset_id, "name": name }), Answer::accepted).await
    }

    /// `POST /openapi/v2/assets/delete`: deletes a media asset.
    ///
    /// # Errors
    /// When there is no response, or the platform refuses the request.
    pub async fn delete_asset(&self, asset_id: &str) -> Result<(), Error> {
        let call = Call::repeatable("delete asset", "/openapi/v2/assets/delete").once(true);
        self.post_v2(call, &json!({ "assetId": asset_id }), Answer::accepted).await
    }
}

impl List<Asset> {
    /// Only assets of this group.
    pub fn group(self, group_id: impl Into<String>) -> Self {
        self.field("groupId", group_id.into())
    }

    /// Only assets with this name.
    pub fn name(self, name: impl Into<String>) -> Self {
        self.field("name", name.into())
    }

    /// Only assets in this state.
    pub fn status(self, status: impl Into<String>) -> Self {
        self.field("status", status.into())
    }
}
