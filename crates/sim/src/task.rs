//! A task: one run of a scenario in time.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::watch, time::Instant};

use crate::{
    fault::{Address, Faults},
    scenario::{End, Frame, Mark, Scenario},
    stats::TaskInfo,
    webhook::Webhook,
};

/// A task's state is a function of its instants: no timer has to run for it to progress.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) names: Names,
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) faults: Faults,
    pub(crate) frames: Arc<[Frame]>,
    pub(crate) calls: AtomicU64,
    pub(crate) sockets: AtomicU64,
    end: End,
    /// The index of the first of the run's last frames.
    last: usize,
    pace: Pace,
    created: Instant,
    start: OnceLock<Instant>,
    cancelled: watch::Sender<Option<Instant>>,
    /// The connection that receives the frames, 0 for none.
    listener: AtomicU64,
    /// Links of this generation and older ones have expired.
    expired: AtomicU64,
    signed: AtomicU64,
    webhook: OnceLock<Webhook>,
}

/// The timing of tasks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) speed: f64,
    pub(crate) queue_delay: Duration,
    pub(crate) settle: Duration,
    /// How long a run waits for its first socket before it starts.
    pub(crate) patience: Duration,
}

/// The ids of a task, and its key.
#[derive(Debug)]
pub(crate) struct Names {
    pub(crate) task_id: String,
    pub(crate) client_id: String,
    pub(crate) workflow_id: String,
    pub(crate) key: String,
    pub(crate) ticket: String,
    /// A task of a model rather than of a workflow; the id is then the model's endpoint.
    pub(crate) is_model: bool,
    /// Its price in CNY, for a model.
    pub(crate) price: String,
}

/// The status of a task.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Phase {
    Queued,
    Running,
    Success,
    Failed,
    Cancelled,
}

impl Phase {
    pub(crate) fn is_over(&self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    /// The status in the `status` endpoint and in v2.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Running => "RUNNING",
            Self::Success => "SUCCESS",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCEL",
        }
    }
}

impl Task {
    pub(crate) fn new(names: Names, scenario: Arc<Scenario>, faults: Faults, pace: Pace) -> Self {
        let (frames, end) = faults.edit(&scenario.frames, &scenario.end).map_or_else(
            || (Arc::clone(&scenario.frames), scenario.end.clone()),
            |(frames, end)| (frames.into(), end),
        );
        let queue_delay = faults.queue_delay().unwrap_or(pace.queue_delay);
        let settle = faults.settle().unwrap_or(pace.settle);
        Self {
            last: frames.iter().position(|frame| frame.mark == Mark::End).unwrap_or(frames.len()),
            // A model has no socket to wait for.
            pace: Pace {
                queue_delay,
                settle,
                patience: if names.is_model { Duration::ZERO } else { pace.patience },
                ..pace
            },
            names,
            scenario,
            faults,
            frames,
            calls: AtomicU64::new(0),
            sockets: AtomicU64::new(0),
            end,
            created: Instant::now(),
            start: OnceLock::new(),
            cancelled: watch::Sender::new(None),
            listener: AtomicU64::new(0),
            expired: AtomicU64::new(0),
            signed: AtomicU64::new(0),
            webhook: OnceLock::new(),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        let now = Instant::now();
        if self.cancelled.borrow().is_some() {
            return Phase::Cancelled;
        }
        match self.end {
            _ if now < self.released() => Phase::Queued,
            _ if now < self.ready() => Phase::Running,
            End::Success => Phase::Success,
            End::Failed(_) | End::Interrupted => Phase::Failed,
        }
    }

    /// The data of `execution_error`, if the run ended with it.
    pub(crate) fn failure(&self) -> Option<&serde_json::Value> {
        if let End::Failed(Some(error)) = &self.end { Some(error) } else { None }
    }

    /// The socket information of a running task.
    pub(crate) fn address(&self) -> Address {
        self.faults.address(Instant::now().saturating_duration_since(self.released()))
    }

    /// Seconds from leaving the queue to the end, for billing.
    pub(crate) fn cost_seconds(&self) -> u64 {
        let end = self.cancelled.borrow().unwrap_or_else(|| self.ready());
        let took = end.saturating_duration_since(self.started());
        took.as_secs() + u64::from(took.subsec_nanos() > 0)
    }

    /// Cancels the task unless it is over. Returns whether it did.
    pub(crate) fn cancel(&self) -> bool {
        let running = !self.phase().is_over();
        running && self.cancelled.send_replace(Some(Instant::now())).is_none()
    }

    /// Watches for cancellation.
    pub(crate) fn watch(&self) -> watch::Receiver<Option<Instant>> {
        self.cancelled.subscribe()
    }

    /// Makes a connection the receiver of the frames, and starts a run that waited for it. Returns the first frame
    /// that the connection receives.
    pub(crate) fn attach(&self, connection: u64) -> usize {
        self.sockets.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        if now >= self.released() && now < self.started() {
            _ = self.start.set(now);
        }
        self.listener.store(connection, Ordering::Release);
        let start = self.started();
        self.frames.partition_point(|frame| start + frame.at.div_f64(self.pace.speed) < now)
    }

    /// Handles the end of a connection. As in ComfyUI it removes the client's entry, even a newer connection's, which
    /// then receives nothing.
    pub(crate) fn detach(&self) {
        self.listener.store(0, Ordering::Release);
    }

    pub(crate) fn listens(&self, connection: u64) -> bool {
        self.listener.load(Ordering::Acquire) == connection
    }

    /// When a frame is due; `None` after the last one.
    pub(crate) fn due(&self, index: usize) -> Option<Instant> {
        self.frames.get(index).map(|frame| self.started() + frame.at.div_f64(self.pace.speed))
    }

    /// When connections are cut, if that is before a frame is due.
    pub(crate) fn cut(&self) -> Option<Instant> {
        let early = self.faults.cuts_early()?;
        self.due(self.last)?.checked_sub(early)
    }

    /// The current node before this frame; `None` outside the run.
    pub(crate) fn current(&self, index: usize) -> Option<&str> {
        let passed = if index <= self.last { self.frames.get(..index)? } else { return None };
        passed.iter().rev().find_map(|frame| match &frame.mark {
            Mark::Executing(id) => Some(id.as_str()),
            _ => None,
        })
    }

    pub(crate) fn last(&self) -> usize {
        self.last
    }

    /// Starts a new generation of links to results.
    pub(crate) fn sign_links(&self) -> u64 {
        self.signed.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Whether a link of this generation still works. If expiry is enabled, the use of a link expires it (and older
    /// ones), but only once per task.
    pub(crate) fn link_works(&self, generation: u64) -> bool {
        if self.faults.expires_links() {
            _ = self.expired.compare_exchange(0, generation, Ordering::Relaxed, Ordering::Relaxed);
        }
        generation > self.expired.load(Ordering::Relaxed)
    }

    pub(crate) fn info(&self) -> TaskInfo {
        TaskInfo {
            task_id: self.names.task_id.clone(),
            workflow_id: self.names.workflow_id.clone(),
            client_id: self.names.client_id.clone(),
            status: self.phase().word(),
            created_at: self.created.into_std(),
            started_at: self.started().into_std(),
            ready_at: self.cancelled.borrow().unwrap_or_else(|| self.ready()).into_std(),
            calls: self.calls.load(Ordering::Relaxed),
            sockets: self.sockets.load(Ordering::Relaxed),
            webhook_url: self.webhook.get().map(|webhook| webhook.url.clone()),
        }
    }

    /// Sets the webhook to call at the end.
    pub(crate) fn call_back(&self, webhook: Webhook) -> &Webhook {
        self.webhook.get_or_init(|| webhook)
    }

    /// The webhook, if there is one.
    pub(crate) fn webhook(&self) -> Option<&Webhook> {
        self.webhook.get()
    }

    /// When the task leaves the queue.
    fn released(&self) -> Instant {
        self.created + self.pace.queue_delay
    }

    /// When the run starts: with its first socket if it waits for one, otherwise at once.
    fn started(&self) -> Instant {
        self.start.get().copied().unwrap_or_else(|| self.released() + self.pace.patience)
    }

    /// When outputs starts to report the run's end.
    pub(crate) fn ready(&self) -> Instant {
        let end = self.due(self.last).or_else(|| self.due(self.frames.len().checked_sub(1)?));
        end.unwrap_or_else(|| self.started()) + self.pace.settle
    }
}
