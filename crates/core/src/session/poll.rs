//! When to ask over HTTP.

use std::time::Duration;

use super::{
    pace::{Ladder, Pace},
    spread::Spread,
};

/// Why the next question is asked; each reason has its own rhythm.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reason {
    Queue,
    End,
    SilentNearEnd,
    Silent,
    Blind,
}

/// One question at a time, each with a due moment.
#[derive(Debug)]
pub(super) struct Poll {
    reason: Reason,
    wait: Duration,
    /// The wait after the last answer that did not come.
    failed: Duration,
    /// How long the next answer is waited for, if one has not come.
    patience: Option<Duration>,
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
            failed: Duration::ZERO,
            patience: None,
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

    /// An answer has come: wait one step longer in this rhythm, or start it. After failures it goes on no quicker than
    /// they came: everybody else asks again now, too.
    pub(super) fn step(&mut self, now: Duration, reason: Reason, pace: &Pace) {
        let ladder = ladder(pace, reason);
        let next =
            if reason == self.reason && !self.wait.is_zero() { ladder.next(self.wait) } else { ladder.first };
        self.patience = None;
        self.wait = next.max(std::mem::take(&mut self.failed).min(ladder.longest));
        self.reason = reason;
        self.due = now + self.wait;
    }

    /// No answer has come: wait longer each time, by chance a little less.
    pub(super) fn fail(&mut self, now: Duration, pace: &Pace, spread: &mut Spread) {
        self.patience = Some(pace.answer.next(self.patience(pace)));
        self.failed = if self.failed.is_zero() { pace.failed.first } else { pace.failed.next(self.failed) };
        self.due = now + self.failed.mul_f64(1.0 - spread.next() / 2.0);
    }

    pub(super) fn patience(&self, pace: &Pace) -> Duration {
        self.patience.unwrap_or(pace.answer.first)
    }

    /// Not before this moment, whatever happens until then.
    pub(super) fn not_before(&mut self, moment: Duration) {
        self.not_before = moment;
    }

    /// What was asked is not answered any more, and the server's wait went on while nobody was awake.
    pub(super) fn woke(&mut self, slept: Duration) {
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
