//! Positions in a ledger's queue for the slots of a key.

use std::{fmt, sync::Arc, time::Duration};

use runninghub_ledger::{Class, Escrow, ItemRef, Ticket};
use tokio::{
    runtime::Handle,
    sync::{Mutex, OwnedMutexGuard},
    time::Instant,
};

use crate::attempts::AttemptLog;

/// The item of a batch that a submit runs.
#[derive(Clone, Debug)]
#[must_use]
pub struct BatchItem {
    pub(crate) item: ItemRef,
    pub(crate) queue: BatchQueue,
    pub(crate) escrow: Option<Escrow>,
}

impl BatchItem {
    /// An item whose submit waits for a slot at the batch's position in the queue.
    pub fn new(item: ItemRef, queue: &BatchQueue) -> Self {
        Self { item, queue: queue.clone(), escrow: None }
    }

    /// Sets money aside with the slot.
    pub fn escrow(self, escrow: Option<Escrow>) -> Self {
        Self { escrow, ..self }
    }
}

/// The position of a batch in the queue for the slots of a key. Its submits share it: one of them waits at a time, and
/// the ledger gives slots to batches and to single runs in turn. Dropping the last clone leaves the queue.
#[derive(Clone, Default)]
pub struct BatchQueue(Arc<Mutex<Option<Seat>>>);

/// A position in the queue. Dropping it leaves the queue.
pub(super) struct Seat {
    attempts: AttemptLog,
    pub(super) ticket: Ticket,
    /// When its wait was last confirmed in the ledger; `None` while it rests.
    beat: Option<Instant>,
    /// The ledger has removed it from the queue.
    is_over: bool,
}

/// The right to wait in a position, until a slot is taken. Dropping it before leaves the queue.
pub(super) struct Turn {
    pub(super) class: Class,
    seat: OwnedMutexGuard<Option<Seat>>,
    is_taken: bool,
}

impl Turn {
    /// Waits until no other submit waits in this position.
    pub(super) async fn in_queue(item: Option<&BatchItem>) -> Self {
        let class = if item.is_some() { Class::Batch } else { Class::Single };
        let queue = item.map_or_else(BatchQueue::default, |item| item.queue.clone());
        Self { class, seat: queue.0.lock_owned().await, is_taken: false }
    }

    /// The time since its wait was last confirmed in the ledger; `None` if it never was.
    pub(super) fn since_beat(&self) -> Option<Duration> {
        self.seat.as_ref()?.beat.map(|beat| beat.elapsed())
    }

    pub(super) fn ticket(&self) -> Option<Ticket> {
        self.seat.as_ref().map(|seat| seat.ticket)
    }

    /// It has requested a slot, and waits.
    pub(super) fn waits(&mut self, attempts: &AttemptLog, ticket: Ticket) {
        let attempts = attempts.clone();
        let seat = self.seat.get_or_insert_with(|| Seat { attempts, ticket, beat: None, is_over: false });
        seat.beat = Some(Instant::now());
    }

    /// It has a slot. A batch keeps its position for the next one, and a single run is no longer in the queue.
    pub(super) fn takes(&mut self, attempts: &AttemptLog, ticket: Ticket) {
        self.is_taken = true;
        if self.class == Class::Batch {
            self.waits(attempts, ticket);
            self.seat.as_mut().into_iter().for_each(|seat| seat.beat = None);
        } else if let Some(mut seat) = self.seat.take() {
            seat.is_over = true;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.is_taken {
            *self.seat = None;
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        // Without a runtime, the ledger drops it after a while.
        let Ok(runtime) = Handle::try_current() else { return };
        let (attempts, ticket) = (self.attempts.clone(), self.ticket);
        drop(runtime.spawn(async move { attempts.ledger().leave(&attempts.pool(), ticket).await }));
    }
}

impl fmt::Debug for BatchQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchQueue").finish_non_exhaustive()
    }
}
