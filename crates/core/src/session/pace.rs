//! Every wait of a session, with its reason.

use std::time::Duration;

/// The waits. [`Pace::default`] fits the platform; [`Pace::scaled`] makes tests and demos quick.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Pace {
    /// While the task is queued, or no URL is known. Each poll consumes one of the key's calls, so a long queue is
    /// polled about every five seconds, with an early start for short queues.
    pub queue: Ladder,
    /// After the run's last frame: outputs are usually available at once, and sometimes a few hundred milliseconds
    /// later.
    pub end: Ladder,
    /// How long a confirmed success waits for the end on the socket: frames that were sent before the response may arrive
    /// after it.
    pub last_frames: Duration,
    /// A silent socket with little left to do: the end may have been missed.
    pub silent_near_end: Ladder,
    /// A silent socket in the middle: a model is being loaded, or a node has no progress bar.
    pub silent: Ladder,
    /// No socket at all.
    pub blind: Ladder,
    /// After a failed poll; randomly shortened by up to half, so that clients don't poll in step.
    pub failed: Ladder,
    /// How long to wait for a response; longer after each failed poll. A hanging request must not delay an end
    /// reported by the socket, and a slow server must still get through.
    pub answer: Ladder,
    /// Snapshots are emitted at most this often.
    pub snapshots: Duration,
    /// A displayed run is updated this often even without frames, because the figure advances with time.
    pub ticks: Duration,
    /// A socket without frames for this long is reported as stale.
    pub stale: Duration,
    /// A socket that brings no frame of the running task for this long is redialed, once: servers forget connections.
    pub deaf: Duration,
    /// Longest and shortest wait before redialing. The wait is random within a bound that doubles.
    pub redial: (Duration, Duration),
    /// A connection that lasted this long resets the failure count.
    pub steady: Duration,
    /// After this many failures in a row, dialing rests for `rest`.
    pub most_failures: u32,
    /// How long dialing rests.
    pub rest: Duration,
    /// How long to keep polling after success while files reported by the socket are missing.
    pub incomplete: Duration,
    /// The same when no file is known to be missing, but no output is listed at all.
    pub empty: Duration,
    /// Without a response and without a frame for this long, the session gives up.
    pub unreachable: Duration,
    /// As `unreachable`, while the machine of the service refuses connections: a process that crashed takes the task with
    /// it, and a restart takes some seconds.
    pub gone: Duration,
    /// Without a response for this long, the session warns; then again after twice as long, and so on.
    pub unanswered: Duration,
    /// How long a denial of a possibly running task is not believed: a fresh task can be unknown for seconds, and a
    /// valid key is sometimes refused.
    pub grace: Duration,
}

/// The maximum wait, so that sums of times cannot overflow.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// A busy machine needs this long for a response, however far waits are scaled down.
const BUSY: Duration = Duration::from_secs(1);

/// A growing wait.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Ladder {
    /// The first wait.
    pub first: Duration,
    /// The factor between consecutive waits.
    pub factor: f64,
    /// The longest wait.
    pub longest: Duration,
}

impl Ladder {
    const fn new(first_ms: u64, factor: f64, longest_ms: u64) -> Self {
        Self { first: Duration::from_millis(first_ms), factor, longest: Duration::from_millis(longest_ms) }
    }

    /// The wait after this one. If the first wait exceeds the longest, it stays.
    pub(super) fn next(&self, wait: Duration) -> Duration {
        wait.mul_f64(self.factor).min(self.longest.max(self.first))
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            queue: Ladder::new(1_000, 1.25, 6_000),
            end: Ladder::new(100, 1.25, 15_000),
            last_frames: Duration::from_millis(500),
            silent_near_end: Ladder::new(1_000, 1.25, 15_000),
            silent: Ladder::new(5_000, 1.5, 30_000),
            blind: Ladder::new(1_000, 1.25, 15_000),
            failed: Ladder::new(1_000, 1.5, 30_000),
            answer: Ladder::new(5_000, 2.0, 30_000),
            snapshots: Duration::from_millis(100),
            ticks: Duration::from_millis(200),
            stale: Duration::from_secs(30),
            deaf: Duration::from_mins(1),
            redial: (Duration::from_millis(50), Duration::from_secs(30)),
            steady: Duration::from_mins(2),
            most_failures: 5,
            rest: Duration::from_mins(10),
            incomplete: Duration::from_secs(15),
            empty: Duration::from_secs(15),
            unreachable: Duration::from_mins(10),
            gone: Duration::from_secs(45),
            unanswered: Duration::from_secs(30),
            grace: Duration::from_secs(20),
        }
    }
}

impl Pace {
    /// For a server whose polls cost nothing. Another client may take over the socket, which then stays open and silent.
    #[must_use]
    pub fn of_a_server() -> Self {
        Self {
            silent: Ladder::new(1_500, 1.25, 3_000),
            silent_near_end: Ladder::new(1_000, 1.25, 3_000),
            blind: Ladder::new(1_000, 1.25, 3_000),
            stale: Duration::from_secs(10),
            ..Self::default()
        }
    }

    /// Scales every wait except the snapshot interval, and the way of frames through the network. An invalid factor (zero, negative, NaN) counts as 1.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        if !(factor.is_finite() && factor > 0.0) {
            return self;
        }
        let wait = |wait: Duration| {
            Duration::try_from_secs_f64(wait.as_secs_f64() * factor).map_or(LONGEST, |wait| wait.min(LONGEST))
        };
        let ladder = |l: Ladder| Ladder { first: wait(l.first), longest: wait(l.longest), ..l };
        Self {
            queue: ladder(self.queue),
            end: ladder(self.end),
            last_frames: self.last_frames,
            silent_near_end: ladder(self.silent_near_end),
            silent: ladder(self.silent),
            blind: ladder(self.blind),
            failed: ladder(self.failed),
            answer: Ladder { first: wait(self.answer.first).max(BUSY), ..ladder(self.answer) },
            snapshots: self.snapshots,
            ticks: self.ticks,
            stale: wait(self.stale),
            deaf: wait(self.deaf),
            redial: (wait(self.redial.0), wait(self.redial.1)),
            steady: wait(self.steady),
            most_failures: self.most_failures,
            rest: wait(self.rest),
            incomplete: wait(self.incomplete),
            empty: wait(self.empty),
            unreachable: wait(self.unreachable),
            gone: wait(self.gone),
            unanswered: wait(self.unanswered),
            grace: wait(self.grace),
        }
    }
}
