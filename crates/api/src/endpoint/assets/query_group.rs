//! `POST /openapi/v2/assets/groups/query`: a group of assets.

use serde_json::json;

use super::super::into_future;
use crate::{
    AssetGroup, Client, Error,
    http::{Answer, Call},
};

/// Fetches a group of assets. Created by [`Client::asset_group`].
///
/// Only the path is documented; the field is taken from the create endpoint's response.
#[derive(Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct GetAssetGroup {
    client: Client,
    group_id: String,
}

impl GetAssetGroup {
    pub(crate) fn new(client: Client, group_id: String) -> Self {
        Self { client, group_id }
    }

    async fn send(self) -> Result<AssetGroup, Error> {
        let call = Call::question("asset group", "/openapi/v2/assets/groups/query");
        self.client.post_v2(call, &json!({ "groupId": self.group_id }), Answer::data).await
    }
}

into_future!(GetAssetGroup => AssetGroup);
