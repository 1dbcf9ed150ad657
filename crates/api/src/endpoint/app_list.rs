//! `POST /openapi/v2/aiapp/list`: AI apps that anyone can run.

use runninghub_core::{Untrusted, WebappId, say};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    account::untrusted,
    page::{Endpoint, List},
};
use crate::{Client, lenient};

/// The path before the id in the only field that contains it.
const RUN: &str = "/run/ai-app/";

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
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
#[serde(from = "Record")]
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

static APPS: Endpoint = Endpoint {
    name: "apps",
    path: "/openapi/v2/aiapp/list",
    fields: ["current", "size"],
    most: 50,
    usage: say!("pages count from 1 and have 1 to 50 apps"),
    is_numbered: true,
};

impl Client {
    /// Lists AI apps. Sources disagree on whether every site has it.
    pub fn apps(&self) -> List<ListedApp> {
        List::new(self, &APPS).sort(AppSort::default())
    }
}

impl List<ListedApp> {
    /// The order.
    pub fn sort(self, sort: AppSort) -> Self {
        self.field("sort", json!(sort))
    }

    /// Counts only the last `days` days.
    pub fn days(self, days: u32) -> Self {
        self.field("days", days)
    }
}

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
    use super::{super::page::Page, *};
    use crate::http::tests::read_with;

    #[test]
    fn the_example_shows_the_id() {
        let text = r#"{"code":0,"data":{"records":[
            {"title":"a","invokeExample":"curl -X POST 'https://h/openapi/v2/run/ai-app/1877265245566922800' -d"},
            {"title":"b","invokeExample":null}, 7],"current":"1","total":"9","pages":5,"hasNext":true}}"#;
        let page = read_with(text, Page::<ListedApp>::read).expect("a page");
        assert_eq!((page.total, page.pages, page.has_next), (Some(9), Some(5), true));
        let ids: Vec<_> =
            page.records.iter().map(|app| app.webapp_id.as_ref().map(WebappId::as_str)).collect();
        assert_eq!(ids, [Some("1877265245566922800"), None]);
    }
}
