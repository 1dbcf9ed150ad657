//! `POST /openapi/v2/assets/groups/update`: changes a group of assets.

use serde::Serialize;

use super::super::into_future;
use crate::{Client, Error, http::Call};

/// Changes a group of assets. Created by [`Client::update_asset_group`].
///
/// Only the path is documented; the fields are taken from the create endpoint.
#[derive(Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct UpdateAssetGroup {
    client: Client,
    fields: Fields,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    group_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

impl UpdateAssetGroup {
    pub(crate) fn new(client: Client, group_id: String) -> Self {
        Self { client, fields: Fields { group_id, name: None, description: None } }
    }

    /// Sets its name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.fields.name = Some(name.into());
        self
    }

    /// Sets its description.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.fields.description = Some(description.into());
        self
    }

    async fn send(self) -> Result<(), Error> {
        let call = Call::question("update asset group", "/openapi/v2/assets/groups/update");
        self.client.post_v2(call, &self.fields, |answer| answer.success().map(drop)).await
    }
}

into_future!(UpdateAssetGroup => ());
