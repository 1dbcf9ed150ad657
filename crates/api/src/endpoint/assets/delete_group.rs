//! `POST /openapi/v2/assets/groups/delete`: deletes a group of assets.

use serde_json::json;

use super::super::into_future;
use crate::{Client, Error, http::Call};

/// Deletes a group of assets. Created by [`Client::delete_asset_group`].
///
/// Only the path is documented; the field is taken from the create endpoint's response.
#[derive(Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct DeleteAssetGroup {
    client: Client,
    group_id: String,
}

impl DeleteAssetGroup {
    pub(crate) fn new(client: Client, group_id: String) -> Self {
        Self { client, group_id }
    }

    async fn send(self) -> Result<(), Error> {
        let call = Call::question("delete asset group", "/openapi/v2/assets/groups/delete").once(true);
        self.client
            .post_v2(call, &json!({ "groupId": self.group_id }), |answer| answer.success().map(drop))
            .await
    }
}

into_future!(DeleteAssetGroup => ());
