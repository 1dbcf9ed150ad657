//! A task: one run of a scenario on the clock.

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

/// Everything about a task follows from its instants: no one has to be awake for it to go on.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) names: Names,
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) faults: Faults,
    pub(crate) frames: Arc<[Frame]>,
    pub(crate) calls: AtomicU64,
    pub(crate) sockets: AtomicU64,
    end: End,
    /// Where the run's last frames begin.
    last: usize,
    pace: Pace,
    created: Instant,
    start: OnceLock<Instant>,
    cancelled: watch::Sender<Option<Instant>>,
    /// The connection that gets the frames, 0 for none.
    listener: AtomicU64,
    /// Links of this generation and older ones are dead.
    expired: AtomicU64,
    signed: AtomicU64,
    webhook: OnceLock<Webhook>,
}

/// How fast tasks go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) speed: f64,
    pub(crate) queue_delay: Duration,
    pub(crate) settle: Duration,
    /// How long a run waits for its first socket before it begins.
    pub(crate) patience: Duration,
}

/// What a task is called, and by whom.
#[derive(Debug)]
pub(crate) struct Names {
    pub(crate) task_id: String,
    pub(crate) client_id: String,
    pub(crate) workflow_id: String,
    pub(crate) key: String,
    pub(crate) ticket: String,
    /// Of a model and not of a workflow; the id is the model's endpoint then.
    pub(crate) is_model: bool,
    /// What it costs, CNY, if it is a model's.
    pub(crate) price: String,
}

/// Where a task stands.
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

    /// The word of the `status` endpoint and of v2.
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
            pace: Pace { queue_delay, settle, ..pace },
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

    /// The data of `execution_error`, if that is how the run ended.
    pub(crate) fn failure(&self) -> Option<&serde_json::Value> {
        if let End::Failed(Some(error)) = &self.end { Some(error) } else { None }
    }

    /// What a running task tells about its socket.
    pub(crate) fn address(&self) -> Address {
        self.faults.address(Instant::now().saturating_duration_since(self.released()))
    }

    /// Seconds from leaving the queue to the end, for the bill.
    pub(crate) fn cost_seconds(&self) -> u64 {
        let end = self.cancelled.borrow().unwrap_or_else(|| self.ready());
        let took = end.saturating_duration_since(self.started());
        took.as_secs() + u64::from(took.subsec_nanos() > 0)
    }

    /// Ends the task, unless it is over. Says whether it did.
    pub(crate) fn cancel(&self) -> bool {
        let running = !self.phase().is_over();
        running && self.cancelled.send_replace(Some(Instant::now())).is_none()
    }

    /// Follows cancellation.
    pub(crate) fn watch(&self) -> watch::Receiver<Option<Instant>> {
        self.cancelled.subscribe()
    }

    /// Makes a connection the one that gets the frames, and begins a run that waited for it. Gives the first frame
    /// that the connection is in time for.
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

    /// A connection ended. As in ComfyUI the entry goes, whoever's it is: a newer connection falls silent with it.
    pub(crate) fn detach(&self) {
        self.listener.store(0, Ordering::Release);
    }

    pub(crate) fn listens(&self, connection: u64) -> bool {
        self.listener.load(Ordering::Acquire) == connection
    }

    /// When a frame is due; `None` past the last one.
    pub(crate) fn due(&self, index: usize) -> Option<Instant> {
        self.frames.get(index).map(|frame| self.started() + frame.at.div_f64(self.pace.speed))
    }

    /// The node that is current before this frame; none outside of the run.
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

    /// Makes a new generation of links to results.
    pub(crate) fn sign_links(&self) -> u64 {
        self.signed.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Whether a link of this generation still works. With expiry on, using a link is what makes it (and older ones)
    /// expire, but only once in a task.
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

    /// Remembers who is called back at the end.
    pub(crate) fn call_back(&self, webhook: Webhook) -> &Webhook {
        self.webhook.get_or_init(|| webhook)
    }

    /// Who is called back, if anybody.
    pub(crate) fn webhook(&self) -> Option<&Webhook> {
        self.webhook.get()
    }

    /// When the task leaves the queue.
    fn released(&self) -> Instant {
        self.created + self.pace.queue_delay
    }

    /// When the run begins: with its first socket where it waits for one, else at once.
    fn started(&self) -> Instant {
        self.start.get().copied().unwrap_or_else(|| self.released() + self.pace.patience)
    }

    /// From when on outputs says how the run ended.
    pub(crate) fn ready(&self) -> Instant {
        let end = self.due(self.last).or_else(|| self.due(self.frames.len().checked_sub(1)?));
        end.unwrap_or_else(|| self.started()) + self.pace.settle
    }
}
