//! `POST /openapi/v2/aiapp/list`: AI apps that anyone can run.

use runninghub_core::{Untrusted, WebappId, say};
use serde::{Deserialize, Serialize};

use super::{
    account::untrusted,
    into_future,
    page::{Page, Part},
};
use crate::{Client, Error, http::Call, lenient};

/// Maximum number of apps per page.
const SIZE: u32 = 50;
/// The path before the id in the only field that contains it.
const RUN: &str = "/run/ai-app/";

/// Lists AI apps, page by page. Created by [`Client::apps`]. Sources disagree on whether every site has it.
#[derive(Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct ListApps {
    client: Client,
    fields: Fields,
}

#[derive(Debug, Serialize)]
struct Fields {
    current: u32,
    size: u32,
    sort: AppSort,
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<u32>,
}

/// The order of the list.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "UPPERCASE")]
pub enum AppSort {
    /// The platform's recommendations first.
    #[default]
    Recommend,
    /// Most used first.
    Hottest,
    /// Newest first.
    Newest,
}

/// An AI app in a list.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ListedApp {
    /// Its id, if the list contains it.
    pub webapp_id: Option<WebappId>,
    /// Its title.
    pub title: Option<Untrusted>,
    /// Its description.
    pub description: Option<Untrusted>,
    /// The URL of its cover image.
    pub cover: Option<Untrusted>,
}

impl ListApps {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, fields: Fields { current: 1, size: 20, sort: AppSort::default(), days: None } }
    }

    /// The page, from 1.
    pub fn page(mut self, page: u32) -> Self {
        self.fields.current = page;
        self
    }

    /// The page size, 1 to 50.
    pub fn size(mut self, size: u32) -> Self {
        self.fields.size = size;
        self
    }

    /// The order.
    pub fn sort(mut self, sort: AppSort) -> Self {
        self.fields.sort = sort;
        self
    }

    /// Counts only the last `days` days.
    pub fn days(mut self, days: u32) -> Self {
        self.fields.days = Some(days);
        self
    }

    async fn send(self) -> Result<Page<ListedApp>, Error> {
        let call = Call::question("apps", "/openapi/v2/aiapp/list");
        let part = Part {
            number: self.fields.current,
            size: self.fields.size,
            most: SIZE,
            usage: say!("pages count from 1 and have 1 to 50 apps"),
        };
        let page: Page<Record> = part.ask(&self.client, call, &self.fields).await?;
        Ok(page.map(Into::into))
    }
}

into_future!(ListApps => Page<ListedApp>);

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Record {
    #[serde(deserialize_with = "untrusted")]
    title: Option<Untrusted>,
    #[serde(deserialize_with = "untrusted")]
    description: Option<Untrusted>,
    #[serde(deserialize_with = "untrusted")]
    cover: Option<Untrusted>,
    #[serde(deserialize_with = "lenient::filled")]
    invoke_example: Option<String>,
}

impl From<Record> for ListedApp {
    fn from(record: Record) -> Self {
        let id = record.invoke_example.as_deref().and_then(|example| {
            let (_, rest) = example.split_once(RUN)?;
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            rest.get(..end).filter(|id| !id.is_empty()).map(Into::into)
        });
        Self { webapp_id: id, title: record.title, description: record.description, cover: record.cover }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::tests::read_with;

    #[test]
    fn the_id_stands_in_the_example_only() {
        let text = r#"{"code":0,"data":{"records":[
            {"title":"a","invokeExample":"curl -X POST 'https://h/openapi/v2/run/ai-app/1877265245566922800' -d"},
            {"title":"b","invokeExample":null}, 7],"current":"1","total":"9","pages":5,"hasNext":true}}"#;
        let page = read_with(text, Page::<Record>::read).expect("a page").map(ListedApp::from);
        assert_eq!((page.total, page.pages, page.has_next), (Some(9), Some(5), true));
        let ids: Vec<_> =
            page.records.iter().map(|app| app.webapp_id.as_ref().map(WebappId::as_str)).collect();
        assert_eq!(ids, [Some("1877265245566922800"), None]);
    }
}
