//! When to ask over HTTP.

use std::time::Duration;

use super::pace::{Ladder, Pace};

/// Why the next question is asked; each reason has its own rhythm.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reason {
    Queue,
    End,
    SilentNearEnd,
    Silent,
    Blind,
    Failed,
}

/// One question at a time, each with a due moment.
#[derive(Debug)]
pub(super) struct Poll {
    reason: Reason,
    wait: Duration,
    due: Duration,
    /// The server asked not to be asked before.
    not_before: Duration,
    pub(super) in_flight: bool,
}

impl Poll {
    /// The first question is due at once.
    pub(super) fn new() -> Self {
        Self {
            reason: Reason::Queue,
            wait: Duration::ZERO,
            due: Duration::ZERO,
            not_before: Duration::ZERO,
            in_flight: false,
        }
    }

    /// Ask as soon as possible, and go on from there with this rhythm.
    pub(super) fn now(&mut self, now: Duration, reason: Reason) {
        self.reason = reason;
        self.wait = Duration::ZERO;
        self.due = now;
    }

    /// Wait from now on in this rhythm, starting over.
    pub(super) fn restart(&mut self, now: Duration, reason: Reason, pace: &Pace) {
        self.reason = reason;
        self.wait = ladder(pace, reason).first;
        self.due = now + self.wait;
    }

    /// An answer has come: wait one step longer in this rhythm, or start it.
    pub(super) fn step(&mut self, now: Duration, reason: Reason, pace: &Pace) {
        let ladder = ladder(pace, reason);
        self.wait =
            if reason == self.reason && !self.wait.is_zero() { ladder.next(self.wait) } else { ladder.first };
        self.reason = reason;
        self.due = now + self.wait;
    }

    /// Not before this moment, whatever happens until then.
    pub(super) fn not_before(&mut self, moment: Duration) {
        self.not_before = moment;
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
        Reason::Failed => &pace.failed,
    }
}
