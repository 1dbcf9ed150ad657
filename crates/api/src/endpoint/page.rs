//! A page of a list.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{Error, http::Answer, lenient};

/// A page of a list. Numbers are `None` where the platform does not tell them.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Page<T> {
    /// What is on it.
    pub records: Vec<T>,
    /// Which page it is, from 1.
    pub current: Option<u64>,
    /// How many records there are on all pages.
    pub total: Option<u64>,
    /// How many pages there are.
    pub pages: Option<u64>,
    /// Whether another page follows.
    pub has_next: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Data {
    records: Option<Box<RawValue>>,
    #[serde(deserialize_with = "lenient::count")]
    current: Option<u64>,
    #[serde(deserialize_with = "lenient::count")]
    total: Option<u64>,
    #[serde(deserialize_with = "lenient::count")]
    pages: Option<u64>,
    #[serde(deserialize_with = "lenient::text")]
    has_next: Option<String>,
}

impl<T: DeserializeOwned> Page<T> {
    /// One odd record costs only itself.
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
