//! Queries the platform's number of slots. [`Measure`] draws the conclusions.

use std::time::{Duration, SystemTime};

use runninghub_ledger::{Allowed, Counts, Held, Measure, Slots, State, Step};
use tokio::time::timeout;

use crate::{Backend as _, attempts::AttemptLog, hub::Hub, resolve::end};

/// Timeout of the counts.
const PATIENCE: Duration = Duration::from_secs(5);
/// Tasks that are polled at most, when some have ended unwatched.
const MOST_POLLED: usize = 20;

/// Measures how many slots a key has, for a submit that waits for one.
pub(super) struct Meter<'a> {
    hub: &'a Hub,
    pub(super) attempts: &'a AttemptLog,
    /// Whether the last count was smaller than the number of tasks whose ends aren't recorded. Their processes may be about
    /// to record them.
    misses: bool,
}

impl<'a> Meter<'a> {
    pub(super) fn new(hub: &'a Hub, attempts: &'a AttemptLog) -> Self {
        Self { hub, attempts, misses: false }
    }

    /// The known measure, after querying the platform if that is due.
    pub(super) async fn measure(&mut self, slots: &Slots) -> Measure {
        match slots.measure {
            Some(measure) if !measure.is_due(now_ms()) => measure,
            _ => self.read(slots).await,
        }
    }

    /// Queries the platform, and finds tasks that ended unwatched.
    async fn read(&mut self, slots: &Slots) -> Measure {
        let before = slots.measure.unwrap_or_default();
        let counts = self.counts().await;
        // Submits from before and after the count, so that none of them counts as another user's.
        let after = self.attempts.slots(None).await.ok().flatten().unwrap_or_default();
        let ours = slots.count().max(after.count());
        let measure = before.queried(counts, slots, ours, |wait| self.later(wait));
        let accepted = slots.held.iter().filter(|held| held.state == State::Accepted);
        let misses = accepted.clone().count() > counts.map_or(0, |counts| counts.total as usize);
        // A live process notices the end of its own task, with more details.
        let asks_all = std::mem::replace(&mut self.misses, misses) && misses;
        let settled = self.record_ends(accepted.filter(|held| asks_all || held.is_left)).await;
        // A task that is over was counted as running, and another user's may have been taken for it.
        let measure = if settled { Measure { due_ms: 0, most: Some(0), ..measure } } else { measure };
        self.keep(measure).await;
        measure
    }

    /// A create was refused because all slots are in use. Its slot stays taken, so that no other submit gets it. `wait`
    /// is the minimum time before the next attempt.
    pub(super) async fn full(&self, wait: Duration) {
        let slots = self.attempts.slots(None).await.ok().flatten().unwrap_or_default();
        let before = slots.measure.unwrap_or_default();
        let has_no_counts = slots.measure.is_some_and(|measure| measure.limit.is_none());
        let counts = if has_no_counts { None } else { self.counts().await };
        self.keep(before.refused(counts, &slots, in_ms(wait), |wait| self.later(wait))).await;
    }

    async fn counts(&self) -> Option<Counts> {
        let status = timeout(PATIENCE, self.hub.client.queue_status()).await.ok()?.ok()?;
        let parts = status.running_count.zip(status.queued_count).map(|(running, queued)| running + queued);
        let total = u32::try_from(status.total_current_tasks.or(parts)?).ok()?;
        Some(Counts { limit: u32::try_from(status.concurrent_limit?).ok()?, total })
    }

    /// If it could not be stored, the next submit measures again.
    async fn keep(&self, measure: Measure) {
        if let Err(error) = self.attempts.ledger().measured(&self.attempts.pool(), measure).await {
            tracing::debug!(%error, "the number of slots is not kept");
        }
    }

    /// Records the end of tasks that have ended unwatched, so that their slots are free. Returns whether there were any.
    async fn record_ends(&self, due: impl Iterator<Item = &Held>) -> bool {
        let grace = millis(self.hub.pace.grace);
        let mut is_any = false;
        for held in due.take(MOST_POLLED) {
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

    /// A slot beyond the known number is about to be tried.
    pub(super) async fn probe(&self, measure: Measure, allowed: Allowed) {
        self.keep(measure.probed(allowed, |wait| self.later(wait))).await;
    }

    fn later(&self, wait: Duration) -> u64 {
        in_ms(wait.mul_f64(self.hub.time_scale))
    }
}

/// The time after a wait.
fn in_ms(wait: Duration) -> u64 {
    now_ms().saturating_add(millis(wait))
}

pub(super) fn now_ms() -> u64 {
    millis(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
