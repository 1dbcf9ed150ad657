//! Every wait of a session, with its reason.

use std::time::Duration;

/// The waits. [`Pace::default`] is meant for the platform; [`Pace::scaled`] makes tests and demos quick.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Pace {
    /// While the task waits in the queue, or no address is known: every such poll is paid with one of the key's calls,
    /// so a long queue costs about one in five seconds, with an early start for short ones.
    pub queue: Ladder,
    /// After the run's last frame: outputs are there at once as a rule, and a few hundred milliseconds later at times.
    pub end: Ladder,
    /// A silent socket with little left to do: the end may have been missed.
    pub silent_near_end: Ladder,
    /// A silent socket in the middle: a model is being loaded, or a node has no progress bar.
    pub silent: Ladder,
    /// No socket at all.
    pub blind: Ladder,
    /// After an answer that did not come; by chance up to half of it less, so that clients spread out.
    pub failed: Ladder,
    /// How long an answer is waited for, longer after each that did not come: a question that hangs must not hold up an
    /// end that the socket has told, and a slow server must be heard all the same.
    pub answer: Ladder,
    /// Snapshots are told at most this often.
    pub snapshots: Duration,
    /// A run that is watched is looked at this often, also when no frame comes: the figure moves with time.
    pub ticks: Duration,
    /// A socket without a frame for this long is called stale.
    pub stale: Duration,
    /// A socket that never brought a frame of the running task for this long is dialled anew, once: servers forget
    /// connections.
    pub deaf: Duration,
    /// Longest and shortest wait before dialling again; the wait is random within, and its bound doubles.
    pub redial: (Duration, Duration),
    /// A connection that lasted this long clears the count of failures.
    pub steady: Duration,
    /// After so many failures in a row, dialling rests for `rest`.
    pub most_failures: u32,
    /// How long dialling rests.
    pub rest: Duration,
    /// Success without all the files that the socket named is asked about for this long.
    pub incomplete: Duration,
    /// The same when nothing is known to be missing, but no output is listed at all.
    pub empty: Duration,
    /// Without an answer and without a frame for this long, the session gives up.
    pub unreachable: Duration,
    /// A task that may run is denied for this long before that is believed: a fresh task can be unknown for seconds, and
    /// a good key is refused at times.
    pub grace: Duration,
}

/// No wait is longer, so that sums of times cannot overflow.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// A machine that is busy with something else needs this long for an answer, however much waits are scaled down.
const BUSY: Duration = Duration::from_secs(1);

/// A growing wait.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Ladder {
    /// The first wait.
    pub first: Duration,
    /// Each wait is this many times the one before.
    pub factor: f64,
    /// The longest wait.
    pub longest: Duration,
}

impl Ladder {
    const fn new(first_ms: u64, factor: f64, longest_ms: u64) -> Self {
        Self { first: Duration::from_millis(first_ms), factor, longest: Duration::from_millis(longest_ms) }
    }

    /// The wait after this one. The first may be longer than the longest, and stays then.
    pub(super) fn next(&self, wait: Duration) -> Duration {
        wait.mul_f64(self.factor).min(self.longest.max(self.first))
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            queue: Ladder::new(1_000, 1.25, 6_000),
            end: Ladder::new(100, 1.25, 15_000),
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
            grace: Duration::from_secs(20),
        }
    }
}

impl Pace {
    /// Every wait multiplied, except how often snapshots are made. Nonsense (zero, negative, not a number) counts as 1.
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
            grace: wait(self.grace),
        }
    }
}
