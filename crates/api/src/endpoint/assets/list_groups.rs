//! `POST /openapi/v2/assets/groups/list`: groups of assets, page by page.

use serde::Serialize;

use super::{super::into_future, list::part};
use crate::{AssetGroup, Client, Error, Page, http::Call};

/// Lists groups of assets, page by page. Created by [`Client::asset_groups`].
#[derive(Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct ListAssetGroups {
    client: Client,
    fields: Fields,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    page_number: u32,
    page_size: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

impl ListAssetGroups {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, fields: Fields { page_number: 1, page_size: 20, name: None } }
    }

    /// The page, from 1.
    pub fn page(mut self, page: u32) -> Self {
        self.fields.page_number = page;
        self
    }

    /// The page size, 1 to 100.
    pub fn size(mut self, size: u32) -> Self {
        self.fields.page_size = size;
        self
    }

    /// Only groups with this name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.fields.name = Some(name.into());
        self
    }

    async fn send(self) -> Result<Page<AssetGroup>, Error> {
        let call = Call::question("groups of assets", "/openapi/v2/assets/groups/list");
        part(self.fields.page_number, self.fields.page_size)
            .ask_uncounted(&self.client, call, &self.fields)
            .await
    }
}

into_future!(ListAssetGroups => Page<AssetGroup>);
