//! State shared by all submits of one key in this process: the queue for free slots, if no ledger has one, and whether
//! a request can succeed at all.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use runninghub_core::{Sentence, say};
use tokio::{
    sync::{Notify, RwLock, RwLockReadGuard, RwLockWriteGuard, Semaphore, futures::Notified},
    time::{Instant, sleep_until},
};

use crate::{Error, ErrorKind};

/// How long a key that cannot pay is not retried. The user has to act first, which takes longer.
const REST: Duration = Duration::from_mins(1);

/// More than the slots of any key.
const MOST_FREED: usize = 64;

/// State shared by the submits of a key. Each passes through it.
#[derive(Debug)]
pub(crate) struct SubmitQueue {
    queue: RwLock<()>,
    /// Slots that ended runs have freed, and that no submit has tried to take yet.
    freed: Semaphore,
    /// Wakes all submits in the ledger's queue.
    ended: Notify,
    shut: Mutex<Option<Shut>>,
}

#[derive(Debug)]
struct Shut {
    until: Instant,
    reason: Sentence,
    hint: Option<Sentence>,
}

/// A position in the queue. While no submit waits for a slot, any number pass in parallel. Submits that were refused
/// a slot are retried one at a time, in order, and later ones queue behind them.
#[derive(Debug)]
pub(super) enum Position<'a> {
    Exclusive(#[expect(dead_code, reason = "held")] RwLockWriteGuard<'a, ()>),
    Shared(#[expect(dead_code, reason = "held")] RwLockReadGuard<'a, ()>),
}

impl Default for SubmitQueue {
    fn default() -> Self {
        Self {
            queue: RwLock::default(),
            freed: Semaphore::new(0),
            ended: Notify::new(),
            shut: Mutex::default(),
        }
    }
}

impl SubmitQueue {
    /// A run of this key has ended: the next submit in the queue is retried without further delay.
    pub(crate) fn free(&self) {
        self.ended.notify_waiters();
        if self.freed.available_permits() < MOST_FREED {
            self.freed.add_permits(1);
        }
    }

    /// Completes with the next end of a run of this key after the call.
    pub(super) fn next_end(&self) -> Notified<'_> {
        self.ended.notified()
    }

    /// Waits until this time, or until a run of this key ends.
    pub(super) async fn until_freed(&self, time: Instant) {
        tokio::select! {
            // The semaphore is never closed.
            Ok(slot) = self.freed.acquire() => slot.forget(),
            () = sleep_until(time) => {}
        }
    }

    /// Joins the queue, behind submits that are already waiting.
    pub(super) async fn enter(&self) -> Position<'_> {
        Position::Shared(self.queue.read().await)
    }

    /// Joins the queue after a refusal for lack of a slot, giving up the current position.
    pub(super) async fn queue_up<'a>(&'a self, position: Position<'a>) -> Position<'a> {
        match position {
            Position::Exclusive(_) => position,
            Position::Shared(_) => {
                drop(position);
                Position::Exclusive(self.queue.write().await)
            }
        }
    }

    /// Checks that a request with this key can succeed.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] for a while after the key was refused: nothing is sent.
    pub(super) fn check(&self) -> Result<(), Error> {
        let shut = self.shut.lock().unwrap_or_else(PoisonError::into_inner);
        match &*shut {
            Some(shut) if Instant::now() < shut.until => {
                let what = say!("not sent: a moment ago the platform said {code}", code = &shut.reason);
                Err(Error::new(ErrorKind::Refused, what).hinted(shut.hint.clone()).of_refused_key())
            }
            _ => Ok(()),
        }
    }

    /// Records a refusal that concerns the key.
    pub(super) fn learn(&self, error: &runninghub_api::Error, time_scale: f64) {
        let Some(code) = error.code().filter(|_| error.refuses_key()) else { return };
        let meaning = code.meaning().unwrap_or_else(|| say!("the key was rejected"));
        let reason = say!("{code} ({meaning})", code, meaning);
        let until = Instant::now() + REST.mul_f64(time_scale);
        let shut = Shut { until, reason, hint: error.hint() };
        *self.shut.lock().unwrap_or_else(PoisonError::into_inner) = Some(shut);
    }

    /// A create was accepted: the key works, and a slot is taken.
    pub(super) fn open(&self) {
        if let Ok(slot) = self.freed.try_acquire() {
            slot.forget();
        }
        *self.shut.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
mod tests {
    use tokio::{sync::mpsc, task::yield_now, time::sleep};

    use super::*;

    /// Lets all other tasks run until they are idle.
    async fn settle() {
        for _ in 0..10 {
            yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn refused_submits_are_retried_in_order() {
        let queue: &'static SubmitQueue = Box::leak(Box::default());
        let (sender, mut order) = mpsc::unbounded_channel();
        // Two are sent in parallel, and both are refused.
        let positions = [("first", queue.enter().await), ("second", queue.enter().await)];
        for (name, position) in positions {
            let sender = sender.clone();
            tokio::spawn(async move {
                let _position = queue.queue_up(position).await;
                sender.send(name).expect("a listener");
                sleep(Duration::from_secs(5)).await;
            });
            settle().await;
        }
        for name in ["third", "fourth"] {
            let sender = sender.clone();
            tokio::spawn(async move {
                let _position = queue.enter().await;
                sender.send(name).expect("a listener");
            });
            settle().await;
        }
        let mut seen = Vec::new();
        while seen.len() < 4 {
            seen.push(order.recv().await.expect("four come"));
        }
        assert_eq!(seen, ["first", "second", "third", "fourth"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_ends_frees_its_slot_for_one_submit_at_once() {
        let queue = SubmitQueue::default();
        let (start, long) = (Instant::now(), Duration::from_secs(10));
        queue.free();
        queue.until_freed(start + long).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        queue.until_freed(start + long).await;
        assert_eq!(start.elapsed(), long, "the second submit waits for its time");
        queue.free();
        queue.open();
        queue.until_freed(start + 2 * long).await;
        assert_eq!(start.elapsed(), 2 * long, "the accepted create has the slot");
    }

    #[tokio::test(start_paused = true)]
    async fn a_disabled_key_is_paused_and_retried() {
        let queue = SubmitQueue::default();
        let shut = || Shut { until: Instant::now() + REST, reason: Sentence::verbatim("812"), hint: None };
        *queue.shut.lock().expect("not poisoned") = Some(shut());
        assert_eq!(queue.check().expect_err("shut").kind(), ErrorKind::Refused);
        sleep(REST).await;
        queue.check().expect("tried again");
        *queue.shut.lock().expect("not poisoned") = Some(shut());
        queue.open();
        queue.check().expect("paid");
    }
}
