//! `POST /openapi/v2/assets/update`: changes a media asset.

use serde_json::json;

use super::super::into_future;
use crate::{Client, Error, http::Call};

/// Renames a media asset. Created by [`Client::update_asset`].
///
/// Only the path is documented; the field is taken from the create endpoint.
#[derive(Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct UpdateAsset {
    client: Client,
    asset_id: String,
    name: String,
}

impl UpdateAsset {
    pub(crate) fn new(client: Client, asset_id: String, name: String) -> Self {
        Self { client, asset_id, name }
    }

    async fn send(self) -> Result<(), Error> {
        let call = Call::question("update asset", "/openapi/v2/assets/update");
        self.client
            .post_v2(call, &json!({ "assetId": self.asset_id, "name": self.name }), |answer| {
                answer.success().map(drop)
            })
            .await
    }
}

into_future!(UpdateAsset => ());
