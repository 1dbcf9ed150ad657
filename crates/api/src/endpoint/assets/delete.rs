//! `POST /openapi/v2/assets/delete`: deletes a media asset.

use serde_json::json;

use super::super::into_future;
use crate::{Client, Error, http::Call};

/// Deletes a media asset. Created by [`Client::delete_asset`].
///
/// Only the path is documented; the field is taken from the query endpoint.
#[derive(Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct DeleteAsset {
    client: Client,
    asset_id: String,
}

impl DeleteAsset {
    pub(crate) fn new(client: Client, asset_id: String) -> Self {
        Self { client, asset_id }
    }

    async fn send(self) -> Result<(), Error> {
        let call = Call::question("delete asset", "/openapi/v2/assets/delete").once(true);
        self.client
            .post_v2(call, &json!({ "assetId": self.asset_id }), |answer| answer.success().map(drop))
            .await
    }
}

into_future!(DeleteAsset => ());
