//! A page of a list.

use runninghub_core::Sentence;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

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

impl<T> Page<T> {
    pub(super) fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        let Self { records, current, total, pages, has_next } = self;
        Page { records: records.into_iter().map(convert).collect(), current, total, pages, has_next }
    }
}

/// The requested part of a list.
pub(super) struct Part {
    /// The page, from 1.
    pub(super) number: u32,
    /// The page size.
    pub(super) size: u32,
    /// The maximum page size.
    pub(super) most: u32,
    /// The error message for an invalid part.
    pub(super) usage: Sentence,
}

impl Part {
    /// Requests it, from a list whose responses include page numbers.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        client: &Client,
        call: Call,
        fields: &impl Serialize,
    ) -> Result<Page<T>, Error> {
        if self.number == 0 || !(1..=self.most).contains(&self.size) {
            return Err(call.usage(self.usage.clone()));
        }
        client.post_v2(call, fields, Page::read).await
    }

    /// Requests it, from a list whose responses include only the records and their total.
    pub(super) async fn ask_uncounted<T: DeserializeOwned>(
        &self,
        client: &Client,
        call: Call,
        fields: &impl Serialize,
    ) -> Result<Page<T>, Error> {
        let page = self.ask(client, call, fields).await?;
        let pages = page.total.map(|total| total.div_ceil(u64::from(self.size)));
        let number = u64::from(self.number);
        let has_next = pages.is_some_and(|pages| number < pages);
        Ok(Page { current: Some(number), pages, has_next, ..page })
    }
}
