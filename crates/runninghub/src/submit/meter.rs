//! How many slots there are, as the platform says or as its refusals show.

use std::time::{Duration, SystemTime};

use runninghub_ledger::{Held, Measure, Slots, State, Step};
use tokio::time::timeout;

use crate::{Backend as _, attempts::AttemptLog, hub::Hub, settle::end};

/// How often the counts are read while something waits for a slot.
const READ_AGAIN: Duration = Duration::from_secs(15);
/// Where the platform has no counts, one slot more is tried this long after a refusal.
const PROBE: Duration = Duration::from_mins(1);
/// A response to the counts that takes longer counts as none.
const PATIENCE: Duration = Duration::from_secs(5);
/// Tasks that are polled at most, when some have ended unwatched.
const MOST_ASKED: usize = 20;

/// Measures how many slots a key has, for a submit that waits for one.
pub(super) struct Meter<'a> {
    hub: &'a Hub,
    pub(super) attempts: &'a AttemptLog,
    /// Whether the last count was smaller than the number of tasks whose ends aren't recorded. Their processes may be about
    /// to record them.
    misses: bool,
}

/// How many slots the submits of this ledger may hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Allowed {
    pub(super) slots: u32,
    /// Whether the last one is tried, though it was refused a while ago.
    pub(super) is_probe: bool,
}

impl<'a> Meter<'a> {
    pub(super) fn new(hub: &'a Hub, attempts: &'a AttemptLog) -> Self {
        Self { hub, attempts, misses: false }
    }

    /// What is known, asking the platform if that is due.
    pub(super) async fn measure(&mut self, slots: &Slots) -> Measure {
        match slots.measure {
            Some(measure) if !measure.is_due(now_ms()) => measure,
            _ => self.read(slots).await,
        }
    }

    /// Asks the platform, and finds tasks that have ended without being watched.
    async fn read(&mut self, slots: &Slots) -> Measure {
        let before = slots.measure.unwrap_or_default();
        let counts = self.counts().await;
        // Submits from before and after the count: none of them counts as another user's.
        let after = self.attempts.slots(None).await.ok().flatten().unwrap_or_default();
        let measure = match counts {
            Some((limit, total)) => {
                let ours = count(slots.held.len().max(after.held.len()));
                counted(&before, limit, total.saturating_sub(ours), self.later(READ_AGAIN))
            }
            None => Measure {
                limit: None,
                most: before.most.map(|most| most.max(running(slots))),
                shared: false,
                due_ms: self.later(READ_AGAIN),
                probe_ms: if before.limit.is_none() { before.probe_ms } else { self.later(PROBE) },
            },
        };
        let accepted = slots.held.iter().filter(|held| held.state == State::Accepted);
        let misses = count(accepted.clone().count()) > counts.map_or(0, |(_, total)| total);
        // A living process notices the end of its own task, and knows more about it.
        let asks_all = std::mem::replace(&mut self.misses, misses) && misses;
        let settled = self.settle(accepted.filter(|held| asks_all || held.is_left)).await;
        // A task that is over was counted as running, and another user's may have been taken for it.
        let measure = if settled { Measure { due_ms: 0, most: Some(0), ..measure } } else { measure };
        self.keep(measure).await;
        measure
    }

    /// A create was refused because all slots are in use: what runs now is the limit. The slot of the create is still
    /// held, so that no other submit takes it. `wait` is the least time before the next attempt.
    pub(super) async fn full(&self, wait: Duration) {
        let slots = self.attempts.slots(None).await.ok().flatten().unwrap_or_default();
        let (before, running) = (slots.measure.unwrap_or_default(), running(&slots));
        let has_no_counts = slots.measure.is_some_and(|measure| measure.limit.is_none());
        let counts = if has_no_counts { None } else { self.counts().await };
        let measure = if let Some((limit, total)) = counts {
            let foreign = total.saturating_sub(count(slots.held.len()));
            let due = now_ms().saturating_add(millis(wait));
            let measure = counted(&before, limit, foreign, due);
            Measure { most: measure.most.map(|most| most.min(running)), shared: true, ..measure }
        } else {
            // While nothing runs that could end, patience gains nothing.
            let probe = if running == 0 { now_ms().saturating_add(millis(wait)) } else { self.later(PROBE) };
            let due_ms = self.later(READ_AGAIN);
            Measure { limit: None, most: Some(running), shared: false, due_ms, probe_ms: probe }
        };
        self.keep(measure).await;
    }

    /// The limit, and how many tasks there are.
    async fn counts(&self) -> Option<(u32, u32)> {
        let status = timeout(PATIENCE, self.hub.client.queue_status()).await.ok()?.ok()?;
        let parts = status.running_count.zip(status.queued_count).map(|(running, queued)| running + queued);
        let total = status.total_current_tasks.or(parts)?;
        Some((u32::try_from(status.concurrent_limit?).ok()?, u32::try_from(total).ok()?))
    }

    /// What could not be kept is measured again by the next one.
    pub(super) async fn keep(&self, measure: Measure) {
        if let Err(error) = self.attempts.ledger().measured(&self.attempts.pool(), measure).await {
            tracing::debug!(%error, "the number of slots is not kept");
        }
    }

    /// Records the end of tasks that have ended unwatched, so that their slots are free. Returns whether there were any.
    async fn settle(&self, asked: impl Iterator<Item = &Held>) -> bool {
        let grace = millis(self.hub.pace.grace);
        let mut is_any = false;
        for held in asked.take(MOST_ASKED) {
            let Some(task) = &held.task else { continue };
            let attempt = self.attempts.attempt(&held.attempt);
            match self.hub.platform().results(task).await {
                Ok(seen) => {
                    if let Some(end) = end(&seen) {
                        is_any |= attempt.end(task, &end).await.is_ok();
                    }
                }
                Err(error) if error.is_unknown_task() => {
                    if now_ms().saturating_sub(held.since_ms) > grace {
                        is_any |= attempt.step(Step::Gone).await.is_ok();
                    }
                }
                Err(_) => break,
            }
        }
        is_any
    }

    pub(super) fn probe_later(&self, measure: Measure) -> Measure {
        Measure { probe_ms: self.later(PROBE), ..measure }
    }

    fn later(&self, wait: Duration) -> u64 {
        now_ms().saturating_add(millis(wait.mul_f64(self.hub.time_scale)))
    }
}

/// What follows from the platform's counts.
fn counted(before: &Measure, limit: u32, foreign: u32, due_ms: u64) -> Measure {
    let was_foreign = before.limit > before.most.or(before.limit);
    let most = Some(limit.saturating_sub(foreign));
    Measure { limit: Some(limit), most, shared: foreign > 0 || was_foreign, due_ms, probe_ms: 0 }
}

/// How many slots may be held at this time, in milliseconds since 1970.
pub(super) fn allowed(measure: &Measure, slots: &Slots, now_ms: u64) -> Allowed {
    let running = running(slots);
    let (slots, is_probe) = match (measure.limit, measure.most) {
        (Some(_), Some(most)) => (most, false),
        (None, Some(most)) => {
            let most = most.max(running);
            let is_probe = running >= most && measure.is_probe_due(now_ms);
            (most.saturating_add(u32::from(is_probe)), is_probe)
        }
        // Nothing is known: one submit at a time, until one is refused.
        (_, None) => (running.saturating_add(1), false),
    };
    Allowed { slots, is_probe }
}

/// Submits that have a task, or may have one.
fn running(slots: &Slots) -> u32 {
    count(slots.held.iter().filter(|held| held.state != State::Submitting).count())
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

pub(super) fn now_ms() -> u64 {
    millis(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(states: &[State]) -> Slots {
        let mut slots = Slots::default();
        let held = states.iter().zip(0..);
        slots.held = held.map(|(state, slot)| Held::new(slot, "a".into(), *state, None, 0)).collect();
        slots
    }

    #[test]
    fn the_limit_less_what_others_use_is_allowed() {
        let allowed = |foreign| {
            let measure = counted(&Measure::default(), 3, foreign, 0);
            (allowed(&measure, &held(&[]), 0).slots, measure.shared)
        };
        assert_eq!([0, 1, 3, 4].map(allowed), [(3, false), (2, true), (0, true), (0, true)]);
        let once = counted(&Measure::default(), 3, 1, 0);
        let twice = counted(&once, 3, 0, 0);
        assert!(twice.shared && !counted(&twice, 3, 0, 0).shared, "others are forgotten after two counts");
    }

    #[test]
    fn without_counts_one_submit_is_sent_at_a_time_until_one_is_refused() {
        use State::{Accepted, Submitting, Unknown};

        let unknown = Measure::default();
        for (states, slots) in [
            (&[][..], 1),
            (&[Submitting], 1),
            (&[Accepted], 2),
            (&[Accepted, Submitting], 2),
            (&[Accepted, Unknown, Submitting], 3),
        ] {
            assert_eq!(allowed(&unknown, &held(states), 0).slots, slots, "{states:?}");
        }
        let refused = Measure { most: Some(2), probe_ms: 60_000, ..unknown };
        let at = |states, now| {
            let Allowed { slots, is_probe } = allowed(&refused, &held(states), now);
            (slots, is_probe)
        };
        assert_eq!(at(&[Accepted], 99_000), (2, false), "a free slot is no probe");
        assert_eq!(at(&[Accepted, Accepted], 59_999), (2, false));
        assert_eq!(at(&[Accepted, Accepted], 60_000), (3, true));
        assert_eq!(at(&[Accepted, Accepted, Accepted], 0), (3, false), "the probe was accepted");
    }
}
