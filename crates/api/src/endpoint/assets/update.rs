//! `POST /openapi/v2/assets/update`: changes a media asset.

use serde::Serialize;

use super::super::into_future;
use crate::{Client, Error, http::Call};

/// Gives a media asset another name. Made by [`Client::update_asset`].
///
/// Only the path is published; the field is that of the create.
#[derive(Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct UpdateAsset {
    client: Client,
    fields: Fields,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    asset_id: String,
    name: String,
}

impl UpdateAsset {
    pub(crate) fn new(client: Client, asset_id: String, name: String) -> Self {
        Self { client, fields: Fields { asset_id, name } }
    }

    async fn send(self) -> Result<(), Error> {
        let call = Call::question("update asset", "/openapi/v2/assets/update");
        self.client.post_v2(call, &self.fields, |answer| answer.success().map(drop)).await
    }
}

into_future!(UpdateAsset => ());
