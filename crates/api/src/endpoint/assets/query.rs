//! `POST /openapi/v2/assets/query`: the state of a media asset.

use serde_json::json;

use super::super::into_future;
use crate::{
    Asset, Client, Error,
    http::{Answer, Call},
};

/// Fetches the state of a media asset. Created by [`Client::asset`].
#[derive(Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct GetAsset {
    client: Client,
    asset_id: String,
}

impl GetAsset {
    pub(crate) fn new(client: Client, asset_id: String) -> Self {
        Self { client, asset_id }
    }

    async fn send(self) -> Result<Asset, Error> {
        let call = Call::question("asset", "/openapi/v2/assets/query");
        self.client.post_v2(call, &json!({ "assetId": self.asset_id }), Answer::data).await
    }
}

into_future!(GetAsset => Asset);
