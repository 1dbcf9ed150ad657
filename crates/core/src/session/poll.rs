//! Decides when to poll over HTTP.

use std::time::Duration;

use super::{
    jitter::Jitter,
    pace::{Ladder, Pace},
};

/// The reason for the next poll; each reason has its own pace.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reason {
    Queue,
    End,
    SilentNearEnd,
    Silent,
    Blind,
}

/// One poll at a time, each with a due time.
#[derive(Debug)]
pub(super) struct Poll {
    reason: Reason,
    wait: Duration,
    /// The wait after the last failed poll.
    failed: Duration,
    /// How long to wait for the next response, if a poll has failed.
    patience: Option<Duration>,
    due: Duration,
    /// The server requested no polls before this time.
    not_before: Duration,
    pub(super) in_flight: bool,
}

impl Poll {
    /// The first poll is due at once.
    pub(super) fn new() -> Self {
        Self {
            reason: Reason::Queue,
            wait: Duration::ZERO,
            failed: Duration::ZERO,
            patience: None,
            due: Duration::ZERO,
            not_before: Duration::ZERO,
            in_flight: false,
        }
    }

    /// Polls as soon as possible, and continues at this pace.
    pub(super) fn now(&mut self, now: Duration, reason: Reason) {
        self.reason = reason;
        self.wait = Duration::ZERO;
        self.due = now;
    }

    /// Restarts the wait at this pace, from its beginning.
    pub(super) fn restart(&mut self, now: Duration, reason: Reason, pace: &Pace) {
        self.reason = reason;
        self.wait = ladder(pace, reason).first;
        self.due = now + self.wait;
    }

    /// A response has arrived: continue one step further at this pace, or start it. After failures the next wait is no
    /// shorter than theirs, because all other clients retry now, too.
    pub(super) fn step(&mut self, now: Duration, reason: Reason, pace: &Pace) {
        let ladder = ladder(pace, reason);
        let next =
            if reason == self.reason && !self.wait.is_zero() { ladder.next(self.wait) } else { ladder.first };
        self.patience = None;
        self.wait = next.max(std::mem::take(&mut self.failed).min(ladder.longest));
        self.reason = reason;
        self.due = now + self.wait;
    }

    /// The poll failed: the wait grows each time, with a random reduction.
    pub(super) fn fail(&mut self, now: Duration, pace: &Pace, jitter: &mut Jitter) {
        self.patience = Some(pace.answer.next(self.patience(pace)));
        self.failed = if self.failed.is_zero() { pace.failed.first } else { pace.failed.next(self.failed) };
        self.due = now + self.failed.mul_f64(1.0 - jitter.next() / 2.0);
    }

    pub(super) fn patience(&self, pace: &Pace) -> Duration {
        self.patience.unwrap_or(pace.answer.first)
    }

    /// Forbids polls before this time, whatever happens until then.
    pub(super) fn not_before(&mut self, moment: Duration) {
        self.not_before = moment;
    }

    /// A pending poll gets no response after a suspension, and the wait requested by the server continued meanwhile.
    pub(super) fn on_resume(&mut self, slept: Duration) {
        self.in_flight = false;
        self.not_before = self.not_before.saturating_sub(slept);
    }

    pub(super) fn due(&self) -> Option<Duration> {
        (!self.in_flight).then_some(self.due.max(self.not_before))
    }
}

fn ladder(pace: &Pace, reason: Reason) -> &Ladder {
    match reason {
        Reason::Queue => &pace.queue,
        Reason::End => &pace.end,
        Reason::SilentNearEnd => &pace.silent_near_end,
        Reason::Silent => &pace.silent,
        Reason::Blind => &pace.blind,
    }
}
