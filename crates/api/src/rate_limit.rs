//! Pauses that the server requests, shared by all requests of a key.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep, sleep_until};

/// Requests that waited are sent one after the other, this far apart: all at once would be throttled again.
const APART: Duration = Duration::from_millis(20);

/// The time before which nothing may be sent.
#[derive(Debug, Default)]
pub(crate) struct RateLimitPause {
    until: Mutex<Option<Instant>>,
    /// Waiting requests queue here, in order.
    line: tokio::sync::Mutex<()>,
}

impl RateLimitPause {
    /// Holds requests back for this long. A shorter pause does not end a longer one.
    pub(crate) fn hold(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut held = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        *held = Some(held.map_or(until, |held| held.max(until)));
    }

    /// This machine's clock stood still for this long while the server's continued.
    pub(crate) fn on_resume(&self, slept: Duration) {
        let mut held = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        *held = held.and_then(|held| held.checked_sub(slept));
    }

    /// The remaining pause.
    pub(crate) fn left(&self) -> Option<Duration> {
        let left = self.until()?.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// Returns when a request may be sent. `scale` multiplies the distance between requests that waited.
    pub(crate) async fn pass(&self, scale: f64) {
        if self.left().is_none() && self.line.try_lock().is_ok() {
            return;
        }
        let _first = self.line.lock().await;
        while self.left().is_some()
            && let Some(until) = self.until()
        {
            // Another response may have extended the pause in the meantime.
            sleep_until(until).await;
        }
        sleep(APART.mul_f64(scale)).await;
    }

    fn until(&self) -> Option<Instant> {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_passes_before_its_time_and_then_in_order() {
        let (pause, start) = (Arc::new(RateLimitPause::default()), Instant::now());
        pause.pass(1.0).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        pause.hold(s(10));
        pause.hold(s(3));
        assert_eq!(pause.left(), Some(s(10)), "the longest counts");
        let waiting: Vec<_> = (0..50)
            .map(|_| {
                let pause = Arc::clone(&pause);
                tokio::spawn(async move {
                    pause.pass(1.0).await;
                    start.elapsed()
                })
            })
            .collect();
        sleep(s(5)).await;
        pause.hold(s(7));
        let mut last = s(12);
        for task in waiting {
            let at = task.await.expect("it passed");
            assert!(at >= last + Duration::from_millis(19), "{at:?} after {last:?}");
            last = at;
        }
        assert!(last < s(14), "{last:?}");
        pause.pass(1.0).await;
        assert_eq!((start.elapsed(), pause.left()), (last, None), "no request waits");
    }

    #[tokio::test(start_paused = true)]
    async fn a_suspend_counts_as_waiting() {
        let pause = RateLimitPause::default();
        pause.hold(s(100));
        pause.on_resume(s(60));
        assert_eq!(pause.left(), Some(s(40)));
        pause.on_resume(s(3600));
        assert_eq!(pause.left(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiter_that_gives_up_does_not_block_the_queue() {
        let (pause, start) = (RateLimitPause::default(), Instant::now());
        pause.hold(s(10));
        assert!(tokio::time::timeout(s(1), pause.pass(1.0)).await.is_err());
        pause.pass(0.0).await;
        // A zero sleep takes one tick of the timer.
        assert!((s(10)..s(10) + Duration::from_millis(2)).contains(&start.elapsed()));
    }
}
