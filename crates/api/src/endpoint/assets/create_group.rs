//! `POST /openapi/v2/assets/groups/create`: creates a group of assets.

use serde::Serialize;

use super::super::into_future;
use crate::{
    AssetGroup, Client, Error,
    http::{Answer, Call},
};

/// Creates a group of assets. Sent once: a second request would create another group. Created by
/// [`Client::create_asset_group`].
#[derive(Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct CreateAssetGroup {
    client: Client,
    fields: Fields,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

impl CreateAssetGroup {
    pub(crate) fn new(client: Client, name: String) -> Self {
        Self { client, fields: Fields { name, description: None } }
    }

    /// Sets its description.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.fields.description = Some(description.into());
        self
    }

    async fn send(self) -> Result<AssetGroup, Error> {
        let call = Call::question("create asset group", "/openapi/v2/assets/groups/create").once(true);
        self.client.post_v2(call, &self.fields, Answer::data).await
    }
}

into_future!(CreateAssetGroup => AssetGroup);
