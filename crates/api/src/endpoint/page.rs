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

    /// A page of a list that tells nothing but what is on it and how many there are in all.
    pub(super) fn read_by_number(answer: &Answer, number: u32, size: u32) -> Result<Self, Error> {
        let page = Self::read(answer)?;
        let pages = page.total.map(|total| total.div_ceil(u64::from(size.max(1))));
        let number = u64::from(number);
        Ok(Self { current: Some(number), pages, has_next: pages.is_some_and(|pages| number < pages), ..page })
    }
}

impl<T> Page<T> {
    pub(super) fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        let Self { records, current, total, pages, has_next } = self;
        Page { records: records.into_iter().map(convert).collect(), current, total, pages, has_next }
    }
}
