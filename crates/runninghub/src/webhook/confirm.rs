//! Queries the platform about deliveries until the outcome is known.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_core::Stream;
use futures_util::stream;
use runninghub_api::Class;
use runninghub_core::say;
use runninghub_ledger::{Delivery, Entry, Filter};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, timeout},
};

use crate::{Error, ErrorKind, RunningHub};

/// Concurrent queries: one slow query doesn't block the others, and the platform is not flooded.
const AT_ONCE: usize = 16;
/// Timeout of one query.
const LONGEST: Duration = Duration::from_secs(30);
/// The wait before the second query; it doubles for each later one, up to [`MOST_PATIENT`].
const AGAIN: Duration = Duration::from_secs(1);
const MOST_PATIENT: Duration = Duration::from_mins(1);
/// A new task can be unknown to parts of the platform for seconds.
const UNKNOWN: Duration = Duration::from_secs(20);

/// The deliveries being confirmed.
pub(super) struct Confirmations {
    hub: RunningHub,
    open: Mutex<HashSet<Delivery>>,
    turns: Semaphore,
}

impl Confirmations {
    pub(super) fn new(hub: RunningHub) -> Self {
        Self { hub, open: Mutex::default(), turns: Semaphore::new(AT_ONCE) }
    }

    /// Accepts a delivery, unless it is already here.
    pub(super) fn take(&self, delivery: &Delivery) -> bool {
        self.open().insert(delivery.clone())
    }

    fn open(&self) -> MutexGuard<'_, HashSet<Delivery>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Accepts the deliveries that earlier listeners left, if they can be queried with this key.
    pub(super) async fn take_up(self: Arc<Self>) -> Vec<Result<Delivery, Error>> {
        let read = async || {
            let cannot = |error| {
                Error::ledger(say!("cannot read the deliveries that earlier listeners received"), error)
            };
            self.hub.attempts()?.ledger().deliveries().await.map_err(cannot)
        };
        let mut ours = Vec::new();
        for delivery in match read().await {
            Ok(deliveries) => deliveries,
            Err(error) => return vec![Err(error)],
        } {
            if self.is_ours(&delivery).await && self.take(&delivery) {
                ours.push(Ok(delivery));
            }
        }
        ours
    }

    /// Queries the platform about a delivery until the task's outcome is known. The result is the last item. One item
    /// may come before it, with the reason for the delay: a temporary error, or a task that is not over yet.
    pub(super) fn look_into(self: Arc<Self>, delivery: Delivery) -> impl Stream<Item = Result<Entry, Error>> {
        let since = Instant::now();
        stream::unfold(Some((self, delivery, 0, false)), move |case| async move {
            let (confirmations, delivery, mut tries, is_reported) = case?;
            loop {
                if tries > 0 {
                    sleep(confirmations.pause(tries)).await;
                }
                tries += 1;
                let answer = confirmations.ask(&delivery).await;
                let interim = match &answer {
                    Ok(entry) if entry.state.is_open() => true,
                    Err(error) if is_unknown(error) && since.elapsed() < confirmations.scaled(UNKNOWN) => {
                        continue;
                    }
                    Err(error) => !is_final(error),
                    Ok(_) => false,
                };
                if !interim {
                    confirmations.close(&delivery, answer.as_ref().is_err_and(is_unknown)).await;
                    return Some((answer, None));
                }
                tracing::debug!(?answer, tries, "a delivery will be asked about again");
                if !is_reported {
                    let waits = |error: Error| {
                        Error::new(error.kind(), say!("a webhook delivery is waiting to be confirmed"))
                            .with_source(error)
                    };
                    return Some((answer.map_err(waits), Some((confirmations, delivery, tries, true))));
                }
            }
        })
    }

    async fn ask(&self, delivery: &Delivery) -> Result<Entry, Error> {
        // The semaphore is never closed.
        let _turn = self.turns.acquire().await;
        let entry = self.entry(delivery).await?;
        let bound = timeout(LONGEST, self.hub.bind(entry, &delivery.task)).await;
        bound.unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::Network, say!("the request for the task's status timed out")))
        })
    }

    async fn entry(&self, delivery: &Delivery) -> Result<Entry, Error> {
        let found =
            self.hub.attempts()?.ledger().entry(Filter::all().attempt(delivery.attempt.as_str())).await;
        found.map_err(|error| Error::ledger(say!("the ledger cannot be read"), error))
    }

    /// Whether the delivery is for a submit of this key. If so, a task unknown to the platform with this key doesn't
    /// exist.
    async fn is_ours(&self, delivery: &Delivery) -> bool {
        let Ok(attempts) = self.hub.attempts() else { return false };
        self.entry(delivery).await.is_ok_and(|entry| attempts.is_ours(&entry))
    }

    /// Partly random, so that queries that failed together are not retried together.
    fn pause(&self, tries: u32) -> Duration {
        let pause = AGAIN.saturating_mul(1 << (tries - 1).min(6)).min(MOST_PATIENT);
        self.scaled(pause).mul_f64(0.75 + fastrand::f64() / 2.0)
    }

    fn scaled(&self, wait: Duration) -> Duration {
        wait.mul_f64(self.hub.0.time_scale)
    }

    /// Removes a delivery. The ledger keeps it if the task is unknown here and the submit was made with another key,
    /// which may know the task.
    async fn close(&self, delivery: &Delivery, is_unknown: bool) {
        if let Ok(attempts) = self.hub.attempts()
            && (!is_unknown || self.is_ours(delivery).await)
            && let Err(error) = attempts.ledger().forget_delivery(delivery).await
        {
            tracing::debug!(%error, "a delivery will be looked into again");
        }
        self.open().remove(delivery);
    }
}

/// A refused key may be allowed again, and a full disk may be freed; a submit that has another task is final.
fn is_final(error: &Error) -> bool {
    error.kind() == ErrorKind::Usage || is_unknown(error)
}

/// Whether the platform reports the task as unknown.
fn is_unknown(error: &Error) -> bool {
    matches!(error.class(), Some(Class::NotFound | Class::BadRequest))
}
