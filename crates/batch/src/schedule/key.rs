//! The keys that pay for rows.

use std::{sync::Arc, time::Duration};

use super::rate::Rate;

/// The pause after a failed connection, which doubles with each further failure, and the maximum.
const REST: Duration = Duration::from_secs(5);
const LONGEST_REST: Duration = Duration::from_mins(1);

/// A key, and how the batch uses it. The ledger and the service know its slots, so only one row at a time waits for the
/// next one.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: Arc<str>,
    /// Whether it can't pay.
    pub(super) is_paused: bool,
    /// Whether unknown submits hold all its slots.
    pub(super) is_stuck: bool,
    /// Rows of the batch that have a slot or wait for one.
    pub(super) used: u32,
    /// The waiting ones among them.
    pub(super) waiting: u32,
    /// Of submits.
    pub(super) rate: Rate,
    /// The last pause because its service couldn't be reached, and its end.
    rest: Option<(Duration, Duration)>,
}

/// Whether a key can take a row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Free {
    /// It can.
    Now,
    /// Not before an event for one of its rows.
    Slots,
    /// Not before this time: it has reached its submit rate.
    Rate(Duration),
    /// Not before this time: its service couldn't be reached.
    Rest(Duration),
}

impl Key {
    pub(super) fn new(name: Arc<str>) -> Self {
        Self {
            name,
            is_paused: false,
            is_stuck: false,
            used: 0,
            waiting: 0,
            rate: Rate::default(),
            rest: None,
        }
    }

    /// Whether it can take a row, if the batch may use up to `most` of its slots.
    pub(super) fn free(&self, now: Duration, most: Option<u32>) -> Free {
        let at = self.rate.free_at(now);
        if let Some((_, until)) = self.rest.filter(|(_, until)| *until > now) {
            return Free::Rest(until);
        }
        if self.is_stuck || self.waiting > 0 || most.is_some_and(|most| self.used >= most.max(1)) {
            Free::Slots
        } else if at > now {
            Free::Rate(at)
        } else {
            Free::Now
        }
    }

    /// Its service couldn't be reached.
    pub(super) fn is_unreachable(&mut self, now: Duration) {
        let rest = self.rest.map_or(REST, |(last, _)| (2 * last).min(LONGEST_REST));
        self.rest = Some((rest, now + rest));
    }

    /// Its service has responded.
    pub(super) fn is_reached(&mut self) {
        self.rest = None;
    }
}
