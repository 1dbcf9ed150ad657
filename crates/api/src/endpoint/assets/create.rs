//! `POST /openapi/v2/assets/create`: creates a media asset from a file with a URL.

use std::fmt;

use serde::Serialize;

use super::super::into_future;
use crate::{
    Asset, AssetType, Client, Error,
    http::{Answer, Call},
};

/// Creates a media asset in a group. Created by [`Client::create_asset`].
///
/// The asset takes a while to become ready ([`Asset::is_ready`]). Sent once: a second request would create another
/// asset.
#[must_use = "a request does nothing until it is awaited"]
pub struct CreateAsset {
    client: Client,
    fields: Fields,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    group_id: String,
    url: String,
    asset_type: AssetType,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

impl CreateAsset {
    pub(crate) fn new(client: Client, group_id: String, url: String, asset_type: AssetType) -> Self {
        Self { client, fields: Fields { group_id, url, asset_type, name: None } }
    }

    /// Sets its name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.fields.name = Some(name.into());
        self
    }

    async fn send(self) -> Result<Asset, Error> {
        let call = Call::question("create asset", "/openapi/v2/assets/create").once(true);
        self.client.post_v2(call, &self.fields, Answer::data).await
    }
}

into_future!(CreateAsset => Asset);

impl fmt::Debug for CreateAsset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may be signed.
        f.debug_struct("CreateAsset").field("group_id", &self.fields.group_id).finish_non_exhaustive()
    }
}
