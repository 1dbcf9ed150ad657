//! Files on their way, for those who wait: told when they take their time.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use runninghub::{FileProgress, Transfer};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// At most ten times a second for each file, and never of one that is over before that.
const SPACING: Duration = Duration::from_millis(100);

/// Takes what the library tells of files, until it is shown.
#[derive(Debug)]
pub(crate) struct Transfers {
    tell: UnboundedSender<Transfer>,
    told: UnboundedReceiver<Transfer>,
}

/// When a file was told of last, or else when it began.
struct Seen {
    at: Instant,
    is_told: bool,
}

impl Transfers {
    /// Nothing is on its way.
    pub(crate) fn new() -> Self {
        let (tell, told) = unbounded_channel();
        Self { tell, told }
    }

    /// For a builder of the library.
    pub(crate) fn watcher(&self) -> impl Fn(FileProgress<'_>) + Send + Sync + 'static {
        let tell = self.tell.clone();
        let seen = Mutex::new(HashMap::new());
        move |file| {
            let mut seen = seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let file = Transfer::new(file.direction, file.name, file.bytes, file.total, file.is_over);
            let id = (file.direction, file.name.clone());
            let last = seen.entry(id.clone()).or_insert_with(|| Seen { at: Instant::now(), is_told: false });
            let is_due = if file.is_over { last.is_told } else { last.at.elapsed() >= SPACING };
            if file.is_over {
                seen.remove(&id);
            } else if is_due {
                *last = Seen { at: Instant::now(), is_told: true };
            }
            if is_due {
                // Who is gone wants to know no more.
                let _ = tell.send(file);
            }
        }
    }

    /// The next news of a file; waits for it.
    pub(crate) async fn next(&mut self) -> Transfer {
        match self.told.recv().await {
            Some(transfer) => transfer,
            // Cannot be: the other end is here.
            None => std::future::pending().await,
        }
    }

    /// The next news of a file, where there is some.
    pub(crate) fn ready(&mut self) -> Option<Transfer> {
        self.told.try_recv().ok()
    }
}
