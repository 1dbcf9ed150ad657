//! The limits of a batch, as written.

use std::str::FromStr;

use runninghub_core::{Sentence, say};
use serde::{Deserialize, Serialize};

use crate::Amount;

/// The limits set by a job, or stored in a ledger; `None` if not set.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct JobLimits {
    /// Maximum number of slots to use at once.
    pub slots: Option<u32>,
    /// Maximum total cost of all rows.
    pub max_cost: Option<Amount>,
    /// How many failures pause the batch.
    pub max_failures: Option<MaxFailures>,
    /// When to stop starting rows.
    pub until: Option<Clock>,
}

/// How many failed rows pause a batch.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MaxFailures {
    /// So many.
    Count(u32),
    /// A percentage of all rows in the batch, 1 to 100.
    Percent(u8),
}

/// A time of day, on the machine's clock.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Clock {
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
}

impl JobLimits {
    /// These limits, with unset ones taken from the others.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self {
            slots: self.slots.or(others.slots),
            max_cost: self.max_cost.or(others.max_cost),
            max_failures: self.max_failures.or(others.max_failures),
            until: self.until.or(others.until),
        }
    }

    /// These limits, without those that the others set.
    #[must_use]
    pub fn without(self, others: Self) -> Self {
        Self {
            slots: self.slots.filter(|_| others.slots.is_none()),
            max_cost: self.max_cost.filter(|_| others.max_cost.is_none()),
            max_failures: self.max_failures.filter(|_| others.max_failures.is_none()),
            until: self.until.filter(|_| others.until.is_none()),
        }
    }

    /// Each limit in words.
    pub fn words(&self) -> impl Iterator<Item = Sentence> {
        let words = [
            self.slots.map(|slots| match slots {
                1 => say!("1 slot"),
                _ => say!("{slots} slots", slots),
            }),
            self.max_cost.map(|max| say!("at most {max}", max)),
            self.max_failures.map(|max| match max {
                MaxFailures::Count(1) => say!("a pause after 1 failed row"),
                MaxFailures::Count(count) => say!("a pause after {count} failed rows", count),
                MaxFailures::Percent(percent) => say!("a pause after {percent} % failed rows", percent),
            }),
            self.until
                .map(|Clock { hour, minute }| say!("until {time}", time = format!("{hour:02}:{minute:02}"))),
        ];
        words.into_iter().flatten()
    }
}

impl FromStr for MaxFailures {
    type Err = Sentence;

    /// Reads `3` or `5%`.
    fn from_str(text: &str) -> Result<Self, Sentence> {
        let parsed = match text.trim().strip_suffix('%') {
            Some(percent) => {
                percent.parse().ok().filter(|percent| (1..=100).contains(percent)).map(Self::Percent)
            }
            None => text.trim().parse().ok().filter(|count| *count > 0).map(Self::Count),
        };
        parsed.ok_or_else(|| {
            say!("`{text}` is neither a row count such as 3 nor a percentage such as 5%", text)
        })
    }
}

impl FromStr for Clock {
    type Err = Sentence;

    /// Reads `07:00`.
    fn from_str(text: &str) -> Result<Self, Sentence> {
        let parsed = text.trim().split_once(':').and_then(|(hour, minute)| {
            let (hour, minute) = (hour.parse().ok()?, minute.parse().ok().filter(|_| minute.len() == 2)?);
            (hour < 24 && minute < 60).then_some(Self { hour, minute })
        });
        parsed.ok_or_else(|| say!("`{text}` is not a time of day such as 07:00", text))
    }
}
