//! Measures the number of a key's slots, from the server's counts or its refusals. No clock: times are arguments.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Slots, State};

/// How often the server is queried while something waits for a slot.
const ASK_AGAIN: Duration = Duration::from_secs(15);
/// Without counts, an additional slot is tried this long after a refusal.
const PROBE: Duration = Duration::from_mins(1);
/// A time further ahead than any wait is from a clock that was set back.
const FURTHEST_MS: u64 = 10 * 60_000;

/// A server's counts for a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Counts {
    /// The number of tasks that may run at once.
    pub limit: u32,
    /// The number of running tasks.
    pub total: u32,
}

/// The known limits on the number of slots, shared by all users of the ledger.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Measure {
    /// The number of tasks of the key that may run at once, if the server reports it.
    pub limit: Option<u32>,
    /// The number of them that may be this ledger's; `None` while unknown.
    pub most: Option<u32>,
    /// Whether others have been observed using the key.
    pub shared: bool,
    /// When to query the server again, in milliseconds since 1970.
    pub due_ms: u64,
    /// Without counts: when to try one slot more than `most`, in milliseconds since 1970.
    pub probe_ms: u64,
}

/// The number of slots that a ledger's submits may hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Allowed {
    /// The number.
    pub slots: u32,
    /// Whether the last one is a retry after an earlier refusal: see [`Measure::probed`].
    pub is_probe: bool,
}

impl Measure {
    /// Updates the measure after a query. `counts` is the server's response, and `slots` the state at that time; `ours`
    /// is the largest number of slots that the ledger's submits had meanwhile, so that none of them counts as another
    /// user's. `later` is the time after a wait, in milliseconds since 1970.
    #[must_use]
    pub fn queried(
        self,
        counts: Option<Counts>,
        slots: &Slots,
        ours: u32,
        later: impl Fn(Duration) -> u64,
    ) -> Self {
        match counts {
            Some(counts) => self.counted(counts, ours, later(ASK_AGAIN)),
            None => Self {
                limit: None,
                most: self.most.map(|most| most.max(slots.running())),
                shared: false,
                due_ms: later(ASK_AGAIN),
                probe_ms: if self.limit.is_none() { self.probe_ms } else { later(PROBE) },
            },
        }
    }

    /// A create was refused because all slots are in use: the number of running tasks is the limit. `slots` still
    /// includes the slot of the create. The next attempt is at `retry_ms` at the earliest.
    #[must_use]
    pub fn refused(
        self,
        counts: Option<Counts>,
        slots: &Slots,
        retry_ms: u64,
        later: impl Fn(Duration) -> u64,
    ) -> Self {
        let running = slots.running();
        match counts {
            Some(counts) => {
                let measure = self.counted(counts, slots.count(), retry_ms);
                Self { most: measure.most.map(|most| most.min(running)), shared: true, ..measure }
            }
            None => Self {
                limit: None,
                most: Some(running),
                shared: false,
                due_ms: later(ASK_AGAIN),
                // While nothing runs that could end, patience gains nothing.
                probe_ms: if running == 0 { retry_ms } else { later(PROBE) },
            },
        }
    }

    /// An additional slot, the `allowed`-th, is about to be tried. The next probe is a while later. A refusal reverts
    /// it.
    #[must_use]
    pub fn probed(self, allowed: Allowed, later: impl Fn(Duration) -> u64) -> Self {
        Self { most: Some(allowed.slots), probe_ms: later(PROBE), ..self }
    }

    /// The number of slots that may be held at this time, in milliseconds since 1970.
    pub fn allowed(&self, slots: &Slots, now_ms: u64) -> Allowed {
        let running = slots.running();
        let (slots, is_probe) = match (self.limit, self.most) {
            (Some(_), Some(most)) => (most, false),
            (None, Some(most)) => {
                let most = most.max(running);
                let is_probe = running >= most && self.is_probe_due(now_ms);
                (most.saturating_add(u32::from(is_probe)), is_probe)
            }
            // Nothing is known: one submit at a time, until one is refused.
            (_, None) => (running.saturating_add(1), false),
        };
        Allowed { slots, is_probe }
    }

    /// When the measure changes by itself: the next time to query, or to try another slot.
    pub fn next_ms(&self) -> u64 {
        match (self.limit, self.most) {
            (None, Some(_)) => self.probe_ms.max(self.due_ms),
            _ => self.due_ms,
        }
    }

    fn counted(self, Counts { limit, total }: Counts, ours: u32, due_ms: u64) -> Self {
        let foreign = total.saturating_sub(ours);
        let was_foreign = self.limit > self.most.or(self.limit);
        let most = Some(limit.saturating_sub(foreign));
        Self { limit: Some(limit), most, shared: foreign > 0 || was_foreign, due_ms, probe_ms: 0 }
    }

    /// Whether to query the server at this time, in milliseconds since 1970.
    pub fn is_due(&self, now_ms: u64) -> bool {
        has_come(self.due_ms, now_ms)
    }

    /// Whether an additional slot may be tried at this time, in milliseconds since 1970.
    pub fn is_probe_due(&self, now_ms: u64) -> bool {
        self.limit.is_none() && has_come(self.probe_ms, now_ms)
    }

    /// A slot was given back by a submit in this state. If its task has ended and others use the key, they may have taken
    /// it. A refusal shows nothing new.
    pub(crate) fn released(&mut self, from: State) {
        if self.shared && from == State::Accepted {
            self.due_ms = 0;
        }
    }
}

fn has_come(time: u64, now: u64) -> bool {
    time <= now || time - now > FURTHEST_MS
}

#[cfg(test)]
mod simulation;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Held;

    fn slots(states: &[State]) -> Slots {
        let held = states.iter().zip(0..).map(|(state, slot)| Held::new(slot, "a".into(), *state, None, 0));
        Slots { held: held.collect(), ..Slots::default() }
    }

    #[test]
    fn the_limit_less_what_others_use_is_allowed() {
        let counted = |before: Measure, foreign: u32| {
            let counts = Counts { limit: 3, total: 2 + foreign };
            before.queried(Some(counts), &slots(&[]), 2, |_| 0)
        };
        let allowed = |foreign| {
            let measure = counted(Measure::default(), foreign);
            (measure.allowed(&slots(&[]), 0).slots, measure.shared)
        };
        assert_eq!([0, 1, 3, 4].map(allowed), [(3, false), (2, true), (0, true), (0, true)]);
        let once = counted(Measure::default(), 1);
        let twice = counted(once, 0);
        assert!(twice.shared && !counted(twice, 0).shared, "others are forgotten after two counts");
    }

    #[test]
    fn without_counts_one_submit_is_sent_at_a_time_until_one_is_refused() {
        use State::{Accepted, Submitting, Unknown};

        let unknown = Measure::default();
        for (states, most) in [
            (&[][..], 1),
            (&[Submitting], 1),
            (&[Accepted], 2),
            (&[Accepted, Submitting], 2),
            (&[Accepted, Unknown, Submitting], 3),
        ] {
            assert_eq!(unknown.allowed(&slots(states), 0).slots, most, "{states:?}");
        }
        let refused = Measure { most: Some(2), probe_ms: 60_000, ..unknown };
        let at = |states, now| {
            let Allowed { slots, is_probe } = refused.allowed(&slots(states), now);
            (slots, is_probe)
        };
        assert_eq!(at(&[Accepted], 99_000), (2, false), "a free slot is no probe");
        assert_eq!(at(&[Accepted, Accepted], 59_999), (2, false));
        assert_eq!(at(&[Accepted, Accepted], 60_000), (3, true));
        assert_eq!(at(&[Accepted, Accepted, Accepted], 0), (3, false), "the probe was accepted");
    }

    #[test]
    fn a_clock_that_was_set_back_stops_nothing() {
        let measure = Measure { due_ms: 5_000_000, probe_ms: 5_000_000, ..Measure::default() };
        assert!(!measure.is_due(4_999_000) && measure.is_due(5_000_000) && measure.is_due(1_000_000));
        assert!(!measure.is_probe_due(4_999_000) && measure.is_probe_due(1_000_000));
    }

    #[test]
    fn only_a_shared_key_is_measured_again_at_an_end() {
        let mut measure = Measure { due_ms: 9, ..Measure::default() };
        measure.released(State::Accepted);
        assert_eq!(measure.due_ms, 9);
        measure.shared = true;
        measure.released(State::Submitting);
        assert_eq!(measure.due_ms, 9);
        measure.released(State::Accepted);
        assert_eq!(measure.due_ms, 0);
    }
}
