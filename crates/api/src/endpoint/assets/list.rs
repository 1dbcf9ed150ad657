//! `POST /openapi/v2/assets/list`: media assets, page by page.

use runninghub_core::say;
use serde::Serialize;

use super::super::{into_future, page::Part};
use crate::{Asset, Client, Error, Page, http::Call};

/// Lists media assets, page by page. Created by [`Client::assets`].
#[derive(Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct ListAssets {
    client: Client,
    fields: Fields,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    page_number: u32,
    page_size: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
}

impl ListAssets {
    pub(crate) fn new(client: Client) -> Self {
        Self {
            client,
            fields: Fields { page_number: 1, page_size: 20, group_id: None, name: None, status: None },
        }
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

    /// Only assets of this group.
    pub fn group(mut self, group_id: impl Into<String>) -> Self {
        self.fields.group_id = Some(group_id.into());
        self
    }

    /// Only assets with this name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.fields.name = Some(name.into());
        self
    }

    /// Only assets in this state.
    pub fn status(mut self, status: impl Into<String>) -> Self {
        self.fields.status = Some(status.into());
        self
    }

    async fn send(self) -> Result<Page<Asset>, Error> {
        let call = Call::question("media assets", "/openapi/v2/assets/list");
        part(self.fields.page_number, self.fields.page_size)
            .ask_uncounted(&self.client, call, &self.fields)
            .await
    }
}

into_future!(ListAssets => Page<Asset>);

/// The requested part of a list of this family.
pub(super) fn part(number: u32, size: u32) -> Part {
    Part { number, size, most: 100, usage: say!("pages count from 1 and have 1 to 100 entries") }
}
