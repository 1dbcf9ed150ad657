//! Progress of file transfers that take a while.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use runninghub::{FileProgress, Transfer};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// At most ten updates a second for each file, and none for a file that finishes before the first.
const SPACING: Duration = Duration::from_millis(100);

/// Receives the library's file progress until it is shown.
#[derive(Debug)]
pub(crate) struct Transfers {
    sender: UnboundedSender<Transfer>,
    receiver: UnboundedReceiver<Transfer>,
}

/// When a file was last reported, or else when it started.
struct LastReport {
    at: Instant,
    is_reported: bool,
}

impl Transfers {
    /// Without any transfers.
    pub(crate) fn new() -> Self {
        let (sender, receiver) = unbounded_channel();
        Self { sender, receiver }
    }

    /// The progress callback for a builder of the library.
    pub(crate) fn watcher(&self) -> impl Fn(FileProgress<'_>) + Send + Sync + 'static {
        let sender = self.sender.clone();
        let seen = Mutex::new(HashMap::new());
        move |file| {
            let mut seen = seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let file = Transfer::new(file.direction, file.name, file.bytes, file.total, file.is_over);
            let id = (file.direction, file.name.clone());
            let last = seen
                .entry(id.clone())
                .or_insert_with(|| LastReport { at: Instant::now(), is_reported: false });
            let is_due = if file.is_over { last.is_reported } else { last.at.elapsed() >= SPACING };
            if file.is_over {
                seen.remove(&id);
            } else if is_due {
                *last = LastReport { at: Instant::now(), is_reported: true };
            }
            if is_due {
                // Ignored: the receiver is gone.
                let _ = sender.send(file);
            }
        }
    }

    /// Waits for the next update of a file.
    pub(crate) async fn next(&mut self) -> Transfer {
        match self.receiver.recv().await {
            Some(transfer) => transfer,
            // Unreachable: `self` holds the sender.
            None => std::future::pending().await,
        }
    }

    /// The next update of a file, if one is ready.
    pub(crate) fn ready(&mut self) -> Option<Transfer> {
        self.receiver.try_recv().ok()
    }
}
