//! How many tasks a key may run.

use std::{sync::Arc, time::Duration};

use serde::Serialize;

use super::rate::Rate;

/// While something waits for a slot, the counts are read this often.
const READ_AGAIN: Duration = Duration::from_secs(15);
/// Where the server has no counts, one slot more is tried this long after a refusal.
const PROBE: Duration = Duration::from_mins(1);
/// How long a start waits for counts that are being read.
const PATIENCE: Duration = Duration::from_secs(2);

/// The slots of a key, for people.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Slots {
    /// Slots that the batch holds.
    pub used: u32,
    /// The most slots that it may hold now; `None` before the first count.
    pub most: Option<u32>,
    /// Slots that others hold; `None` where the server has no counts.
    pub foreign: Option<u32>,
}

/// A key, and what is known about its slots.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: Arc<str>,
    /// Whether it can't pay.
    pub(super) is_paused: bool,
    /// Slots of the batch: claimed, running and unknown.
    pub(super) used: u32,
    /// Of these, claimed ones: their submits are on their way.
    claimed: u32,
    counts: Counts,
    /// Of submits.
    pub(super) rate: Rate,
}

#[derive(Debug)]
enum Counts {
    /// Nothing is known yet.
    Unread,
    Known {
        limit: u32,
        foreign: u32,
        read: Duration,
        /// An end or a refusal since then, and when.
        stale: Option<Duration>,
        /// Whether others were seen on this key. Only then can a slot that came free be taken already.
        shared: bool,
        /// Refusals in a row.
        refusals: u32,
    },
    /// The server doesn't say.
    Missing {
        /// So many tasks ran at once without a refusal.
        proven: u32,
        /// So many ran when one more was refused, and when to try one more.
        ceiling: Option<(u32, Duration)>,
    },
}

/// Whether a key can start something.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Free {
    /// So many more.
    Slots(u32),
    /// Nothing; perhaps from this time on.
    None(Option<Duration>),
    /// Not before its counts are read; or from this time on.
    Counts(Option<Duration>),
    /// Not before this time: it has sent enough submits.
    Rate(Duration),
}

impl Key {
    pub(super) fn new(name: Arc<str>) -> Self {
        Self { name, is_paused: false, used: 0, claimed: 0, counts: Counts::Unread, rate: Rate::submits() }
    }

    /// What it can start now, if the batch may use `most` slots of it.
    pub(super) fn free(&self, now: Duration, most: u32) -> Free {
        match self.free_slots(now, most) {
            Free::Slots(_) if self.rate.free_at(now) > now => Free::Rate(self.rate.free_at(now)),
            free => free,
        }
    }

    fn free_slots(&self, now: Duration, most: u32) -> Free {
        let left = |most: u32| most.saturating_sub(self.used);
        match &self.counts {
            Counts::Unread => Free::Counts(None),
            Counts::Known { limit, foreign, stale, shared, .. } => {
                match left(most.min(limit.saturating_sub(*foreign))) {
                    0 => Free::None(None),
                    free => match stale {
                        Some(since) if *shared && now < *since + PATIENCE => {
                            Free::Counts(Some(*since + PATIENCE))
                        }
                        _ => Free::Slots(free),
                    },
                }
            }
            Counts::Missing { proven, ceiling } => {
                let (most, probe) = match ceiling {
                    Some((ceiling, probe)) if *ceiling < most => {
                        let tries = self.used >= *ceiling && now >= *probe;
                        (ceiling + u32::from(tries), (!tries).then_some(*probe))
                    }
                    _ => (most, None),
                };
                // Beyond what is proven, one submit at a time.
                match left(most) {
                    0 => Free::None(probe),
                    _ if self.used >= *proven && self.claimed > 0 => Free::None(None),
                    free if self.used >= *proven => Free::Slots(free.min(1)),
                    free => Free::Slots(free),
                }
            }
        }
    }

    /// When the counts should be read; `is_waiting` says whether rows wait for a slot.
    pub(super) fn counts_due(&self, is_waiting: bool) -> Option<Duration> {
        match &self.counts {
            Counts::Unread => Some(Duration::ZERO),
            Counts::Known { stale: Some(since), refusals: 0, .. } => Some(*since),
            // Counts and refusals contradict each other: not in a tight loop.
            Counts::Known { stale: Some(since), refusals, .. } => {
                let pause = Duration::from_secs(1 << (refusals - 1).min(4));
                Some(*since + pause.min(READ_AGAIN))
            }
            Counts::Known { read, .. } => is_waiting.then_some(*read + READ_AGAIN),
            Counts::Missing { .. } => None,
        }
    }

    pub(super) fn read(&mut self, now: Duration, limit: u32, foreign: u32) {
        let (shared, refusals) = match &self.counts {
            Counts::Known { shared, refusals, .. } => (*shared, *refusals),
            _ => (false, 0),
        };
        let shared = shared || foreign > 0;
        self.counts = Counts::Known { limit, foreign, read: now, stale: None, shared, refusals };
    }

    pub(super) fn has_no_counts(&mut self) {
        if !matches!(self.counts, Counts::Missing { .. }) {
            self.counts = Counts::Missing { proven: self.used, ceiling: None };
        }
    }

    /// A slot is taken by a submit, or by a task from earlier.
    pub(super) fn take(&mut self, is_submit: bool) {
        self.used += 1;
        self.claimed += u32::from(is_submit);
    }

    /// A submit has an outcome.
    pub(super) fn sent(&mut self) {
        self.claimed = self.claimed.saturating_sub(1);
    }

    /// A task was accepted; its slot is counted already.
    pub(super) fn accepted(&mut self, now: Duration) {
        let running = self.used - self.claimed.min(self.used);
        match &mut self.counts {
            Counts::Missing { proven, ceiling } => {
                *proven = running.max(*proven);
                if let Some((most, probe)) = ceiling
                    && running > *most
                {
                    (*most, *probe) = (running, now + PROBE);
                }
            }
            Counts::Known { refusals, .. } => *refusals = 0,
            Counts::Unread => {}
        }
    }

    /// A slot is free again.
    pub(super) fn release(&mut self, now: Duration) {
        self.used = self.used.saturating_sub(1);
        if let Counts::Known { stale, .. } = &mut self.counts {
            *stale = Some(now);
        }
    }

    /// A submit was refused because no slot was free; its own slot is released already.
    pub(super) fn is_full(&mut self, now: Duration) {
        match &mut self.counts {
            Counts::Known { limit, foreign, stale, shared, refusals, .. } => {
                *foreign = limit.saturating_sub(self.used).max(*foreign);
                (*stale, *shared, *refusals) = (Some(now), true, refusals.saturating_add(1));
            }
            Counts::Missing { proven, ceiling } => {
                *proven = self.used.min(*proven);
                *ceiling = Some((self.used, now + PROBE));
            }
            Counts::Unread => {}
        }
    }

    pub(super) fn slots(&self, most: u32) -> Slots {
        let (most, foreign) = match &self.counts {
            Counts::Unread => (None, None),
            Counts::Known { limit, foreign, .. } => {
                (Some(most.min(limit.saturating_sub(*foreign))), Some(*foreign))
            }
            Counts::Missing { ceiling, .. } => {
                (Some(ceiling.map_or(most, |(ceiling, _)| most.min(ceiling))), None)
            }
        };
        Slots { used: self.used, most, foreign }
    }
}
