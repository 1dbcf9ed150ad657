//! Lists, page by page.

use std::{fmt, marker::PhantomData};

use futures_util::future::BoxFuture;
use runninghub_core::Sentence;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, value::RawValue};

use crate::{
    Client, Error,
    http::{Answer, Call},
    lenient,
};

/// A page of a list. Numbers are `None` if the platform does not return them.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Page<T> {
    /// Its records.
    pub records: Vec<T>,
    /// Its number, from 1.
    pub current: Option<u64>,
    /// Number of records on all pages.
    pub total: Option<u64>,
    /// Number of pages.
    pub pages: Option<u64>,
    /// Whether another page follows.
    pub has_next: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Data {
    #[serde(alias = "items")]
    records: Option<Box<RawValue>>,
    #[serde(deserialize_with = "lenient::count")]
    current: Option<u64>,
    #[serde(alias = "totalCount", deserialize_with = "lenient::count")]
    total: Option<u64>,
    #[serde(deserialize_with = "lenient::count")]
    pages: Option<u64>,
    #[serde(deserialize_with = "lenient::text")]
    has_next: Option<String>,
}

impl<T: DeserializeOwned> Page<T> {
    /// A malformed record is skipped; the others are kept.
    pub(super) fn read(answer: &Answer) -> Result<Self, Error> {
        let data: Data = answer.data()?;
        let records = lenient::list(data.records.as_deref()).unwrap_or_default();
        let has_next = match (data.has_next, data.current, data.pages) {
            (Some(word), _, _) => word == "true",
            (None, Some(current), Some(pages)) => current < pages,
            _ => false,
        };
        Ok(Self {
            records: records.iter().filter_map(|record| lenient::object(Some(record))).collect(),
            current: data.current,
            total: data.total,
            pages: data.pages,
            has_next,
        })
    }
}

/// A list of an endpoint.
pub(super) struct Endpoint {
    /// The name in errors and logs.
    pub(super) name: &'static str,
    pub(super) path: &'static str,
    /// The fields for the page and its size.
    pub(super) fields: [&'static str; 2],
    /// The maximum page size.
    pub(super) most: u32,
    /// The error message for an invalid page or size.
    pub(super) usage: Sentence,
    /// Responses have page numbers, not only the records and their total.
    pub(super) is_numbered: bool,
}

/// Lists something, page by page: apps ([`Client::apps`]), resources ([`Client::resources`]), assets
/// ([`Client::assets`]) or their groups ([`Client::asset_groups`]).
#[must_use = "a request does nothing until it is awaited"]
pub struct List<T> {
    client: Client,
    endpoint: &'static Endpoint,
    page: u32,
    size: u32,
    fields: Map<String, Value>,
    records: PhantomData<fn() -> T>,
}

impl<T> List<T> {
    pub(super) fn new(client: &Client, endpoint: &'static Endpoint) -> Self {
        let client = client.clone();
        Self { client, endpoint, page: 1, size: 20, fields: Map::new(), records: PhantomData }
    }

    /// The page, from 1.
    pub fn page(self, page: u32) -> Self {
        Self { page, ..self }
    }

    /// The page size: 20 by default, at most 50, of assets and groups 100.
    pub fn size(self, size: u32) -> Self {
        Self { size, ..self }
    }

    pub(super) fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a value to a field with several.
    pub(super) fn and(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Value::Array(values) = self.fields.entry(name).or_insert_with(|| Value::Array(Vec::new())) {
            values.push(value.into());
        }
        self
    }
}

impl<T: DeserializeOwned + Send + 'static> List<T> {
    async fn send(self) -> Result<Page<T>, Error> {
        let Self { client, endpoint, page: number, size, .. } = self;
        let call = Call::repeatable(endpoint.name, endpoint.path);
        if number == 0 || !(1..=endpoint.most).contains(&size) {
            return Err(call.usage(endpoint.usage.clone()));
        }
        let mut fields = self.fields;
        fields.extend(endpoint.fields.map(str::to_owned).into_iter().zip([number.into(), size.into()]));
        let page = client.post_v2(call, &fields, Page::read).await?;
        if endpoint.is_numbered {
            return Ok(page);
        }
        let pages = page.total.map(|total| total.div_ceil(size.into()));
        let has_next = pages.is_some_and(|pages| u64::from(number) < pages);
        Ok(Page { current: Some(number.into()), pages, has_next, ..page })
    }
}

impl<T: DeserializeOwned + Send + 'static> IntoFuture for List<T> {
    type Output = Result<Page<T>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl<T> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List")
            .field("name", &self.endpoint.name)
            .field("page", &self.page)
            .finish_non_exhaustive()
    }
}
