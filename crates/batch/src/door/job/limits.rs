//! The limits of a batch, as they are written.

use std::str::FromStr;

use runninghub_core::{Sentence, say};
use serde::Serialize;

use crate::Amount;

/// The limits of a job. `None` where it says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct JobLimits {
    /// The most slots to use at once.
    pub slots: Option<u32>,
    /// The most that all rows together may cost.
    pub max_cost: Option<Amount>,
    /// How many failures pause the batch.
    pub max_failures: Option<MaxFailures>,
    /// When to stop starting rows.
    pub until: Option<Clock>,
}

/// How many failed rows pause a batch.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MaxFailures {
    /// So many.
    Count(u32),
    /// So many of a hundred rows of the whole batch, 1 to 100.
    Percent(u8),
}

/// A time of day, on the clock of the machine.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Clock {
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
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
