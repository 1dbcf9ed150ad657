//! `POST /openapi/v2/assets/delete`: removes a media asset.

use serde::Serialize;

use super::super::into_future;
use crate::{Client, Error, http::Call};

/// Removes a media asset. Made by [`Client::delete_asset`].
///
/// Only the path is published; the field is that of the query.
#[derive(Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct DeleteAsset {
    client: Client,
    fields: Fields,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    asset_id: String,
}

impl DeleteAsset {
    pub(crate) fn new(client: Client, asset_id: String) -> Self {
        Self { client, fields: Fields { asset_id } }
    }

    async fn send(self) -> Result<(), Error> {
        let call = Call::question("delete asset", "/openapi/v2/assets/delete").once(true);
        self.client.post_v2(call, &self.fields, |answer| answer.success().map(drop)).await
    }
}

into_future!(DeleteAsset => ());
