//! The simulator's statistics.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Instant,
};

/// Figures since the start.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Created tasks. Each one would have been charged.
    pub creates: u64,
    /// API requests by path, whatever the response; downloads count as `/files`.
    pub calls: BTreeMap<String, u64>,
    /// Sockets whose handshake was accepted.
    pub sockets_opened: u64,
    /// Sockets open now.
    pub sockets_open: usize,
    /// Messages sent on sockets.
    pub frames_sent: u64,
    /// Bytes of those messages, without framing.
    pub socket_bytes: u64,
    /// Bytes of results sent.
    pub download_bytes: u64,
    /// How often each [`Rule`](crate::Rule) was applied, in the order in which they were added.
    pub rules: Vec<u32>,
    /// For each task (by task id) the instant from which outputs reports its end; tasks without a known end are
    /// missing.
    pub ready: BTreeMap<String, Instant>,
}

impl Stats {
    /// The total of all API requests.
    pub fn api_calls(&self) -> u64 {
        self.calls.iter().filter(|(path, _)| *path != "/files").map(|(_, count)| count).sum()
    }
}

/// One task as the simulator sees it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TaskInfo {
    /// The task's id: 19 digits.
    pub task_id: String,
    /// The workflow id it was created with.
    pub workflow_id: String,
    /// The client id of its socket.
    pub client_id: String,
    /// `QUEUED`, `RUNNING`, `SUCCESS`, `FAILED` or `CANCEL`.
    pub status: &'static str,
    /// When it was created.
    pub created_at: Instant,
    /// When it leaves or left the queue.
    pub started_at: Instant,
    /// When outputs starts to report its end.
    pub ready_at: Instant,
    /// API requests for this task.
    pub calls: u64,
    /// Sockets opened for it.
    pub sockets: u64,
    /// The URL of its webhook.
    pub webhook_url: Option<String>,
}

/// The counters behind [`Stats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) creates: AtomicU64,
    pub(crate) calls: Mutex<BTreeMap<String, u64>>,
    pub(crate) sockets_opened: AtomicU64,
    pub(crate) sockets_open: AtomicUsize,
    pub(crate) frames_sent: AtomicU64,
    pub(crate) socket_bytes: AtomicU64,
    pub(crate) download_bytes: AtomicU64,
}

impl Counters {
    pub(crate) fn call(&self, path: &str) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        match calls.get_mut(path) {
            Some(count) => *count += 1,
            None => _ = calls.insert(path.to_owned(), 1),
        }
    }

    pub(crate) fn read(&self, ready: BTreeMap<String, Instant>) -> Stats {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            creates: count(&self.creates),
            calls: self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            sockets_opened: count(&self.sockets_opened),
            sockets_open: self.sockets_open.load(Ordering::Relaxed),
            frames_sent: count(&self.frames_sent),
            socket_bytes: count(&self.socket_bytes),
            download_bytes: count(&self.download_bytes),
            rules: Vec::new(),
            ready,
        }
    }
}
