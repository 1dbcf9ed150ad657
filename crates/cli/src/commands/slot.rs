//! Shows that a submit waits for a slot.

use std::time::Duration;

use runninghub::{Busy, Error, Sentence, say};
use tokio::time::Instant;

use super::context::Context;
use crate::exit::chain;

/// How often the wait is reported if lines aren't replaced.
const REPORT: Duration = Duration::from_mins(1);

/// A submit's wait for a slot.
#[derive(Debug)]
pub(super) struct Wait {
    /// The time of the next attempt.
    again: Instant,
    why: Option<Sentence>,
    slots: Option<Busy>,
}

/// The wait as last shown.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    now: Option<Wait>,
    reported: Option<Instant>,
    has_warned: bool,
}

impl Wait {
    pub(super) fn new(wait: Duration, error: Option<&Error>, slots: Option<Busy>) -> Self {
        Self { again: Instant::now() + wait, why: error.map(|error| chain(error)), slots }
    }

    /// In whole seconds.
    fn left(&self, now: Instant) -> f64 {
        self.again.saturating_duration_since(now).as_secs_f64().ceil()
    }

    /// The number of busy slots.
    fn busy(&self) -> Option<Sentence> {
        let Busy { busy, limit, .. } = self.slots?;
        Some(match limit {
            Some(limit) => say!("{busy} of {limit} busy", busy, limit),
            None => say!("{busy} busy", busy),
        })
    }

    /// The text for a line that the next one replaces.
    fn line(&self, now: Instant) -> Sentence {
        let seconds = self.left(now);
        let what = match self.busy() {
            Some(busy) => say!("waiting for a slot: {busy}", busy),
            None => say!("waiting for a slot"),
        };
        if seconds > 0.0 { say!("{what}, next try in {seconds} s", what, seconds) } else { what }
    }

    /// The text for a line that stays.
    fn message(&self, now: Instant) -> Sentence {
        let seconds = self.left(now);
        let why = self.why.clone().unwrap_or_else(|| match self.busy() {
            Some(busy) => say!("no slot is free: {busy}", busy),
            None => say!("no slot is free"),
        });
        if seconds > 0.0 { say!("{why}; retrying in {seconds} s", why, seconds) } else { why }
    }
}

impl Waiting {
    pub(super) fn is_any(&self) -> bool {
        self.now.is_some()
    }

    /// The submit is being sent.
    pub(super) fn is_over(&mut self) {
        self.now = None;
    }

    pub(super) fn begin(&mut self, context: &mut Context, wait: Wait) {
        let unknown = wait.slots.map_or(0, |slots| slots.unknown);
        self.now = Some(wait);
        if unknown > 0 && !self.has_warned {
            self.has_warned = true;
            let message = match unknown {
                1 => say!(
                    "a slot stays busy until the outcome of its submit is known: `rhub tasks` lists it, `rhub resolve` settles it"
                ),
                _ => say!(
                    "{unknown} slots stay busy until the outcomes of their submits are known: `rhub tasks` lists them, `rhub resolve` settles them",
                    unknown
                ),
            };
            context.warn("slots_unknown", message);
        }
        self.show(context);
    }

    /// Shows the current wait.
    pub(super) fn show(&mut self, context: &mut Context) {
        let Some(wait) = &self.now else { return };
        let now = Instant::now();
        let is_live = context.reporter.wait(context.clock.now(), &wait.line(now));
        if !is_live && self.reported.is_none_or(|at| now - at >= REPORT) {
            self.reported = Some(now);
            context.warn("no_slot", wait.message(now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_names_the_slots_and_the_next_attempt() {
        let now = Instant::now();
        let texts = |seconds, why, busy: Option<(u32, Option<u32>)>| {
            let slots = busy.map(|(busy, limit)| {
                let mut slots = Busy::default();
                (slots.busy, slots.limit) = (busy, limit);
                slots
            });
            let wait = Wait { again: now + Duration::from_secs(seconds), why, slots };
            [wait.line(now).to_string(), wait.message(now).to_string()]
        };
        assert_eq!(
            texts(8, None, Some((3, Some(3)))),
            [
                "waiting for a slot: 3 of 3 busy, next try in 8 s",
                "no slot is free: 3 of 3 busy; retrying in 8 s"
            ]
        );
        assert_eq!(
            texts(0, None, Some((1, None))),
            ["waiting for a slot: 1 busy", "no slot is free: 1 busy"]
        );
        assert_eq!(
            texts(5, Some(say!("no slot is free")), None),
            ["waiting for a slot, next try in 5 s", "no slot is free; retrying in 5 s"]
        );
    }
}
