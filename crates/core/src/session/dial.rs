//! Decides when to dial the socket.

use std::time::Duration;

use super::{jitter::Jitter, pace::Pace};
use crate::{Connection, ConnectionState, SocketUrl};

/// The socket's side of a session.
#[derive(Debug)]
pub(super) struct Dial {
    address: Option<SocketUrl>,
    /// The URL that was dialed last.
    dialled: Option<SocketUrl>,
    /// The URL that must not be dialed again.
    refused: Option<SocketUrl>,
    state: State,
    attempt: u32,
    failures: u32,
    jitter: Jitter,
    /// Whether this connection has brought a frame of the run.
    heard: bool,
    /// Already redialed once because a connection brought no frames, and none has arrived since.
    retried: bool,
    last_frame: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// No URL, or dialing rests until then.
    Off {
        until: Option<Duration>,
    },
    Waiting {
        until: Duration,
    },
    Dialling,
    Open {
        since: Duration,
        stale: bool,
    },
    /// Being closed intentionally.
    Closing,
}

impl Dial {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            address: None,
            dialled: None,
            refused: None,
            state: State::Off { until: None },
            attempt: 0,
            failures: 0,
            jitter: Jitter::new(seed),
            heard: false,
            retried: false,
            last_frame: Duration::ZERO,
        }
    }

    /// Records a URL; the newest one is dialed next. Returns whether it is the first one.
    pub(super) fn learn(&mut self, now: Duration, pace: &Pace, address: SocketUrl) -> bool {
        if self.refused.as_ref() == Some(&address) {
            return false;
        }
        let first = !self.has_address();
        self.address = Some(address);
        if self.state == (State::Off { until: None }) {
            self.state = self.next_try(now, pace);
        }
        first
    }

    /// Whether a URL is known, even a refused one.
    pub(super) fn has_address(&self) -> bool {
        self.address.is_some() || self.dialled.is_some()
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    /// The number of the open connection, if there is one.
    pub(super) fn open_attempt(&self) -> Option<u32> {
        self.is_open().then_some(self.attempt)
    }

    /// Whether this connection has brought a frame of the run.
    pub(super) fn has_heard(&self) -> bool {
        self.heard
    }

    pub(super) fn opened(&mut self, now: Duration) {
        if self.state != State::Dialling {
            // A replayed recording dials by itself.
            self.attempt += 1;
        }
        self.heard = false;
        self.last_frame = now;
        self.state = State::Open { since: now, stale: false };
    }

    pub(super) fn frame(&mut self, now: Duration, ours: bool) {
        self.heard |= ours;
        self.retried &= !ours;
        self.last_frame = now;
        if let State::Open { stale, .. } = &mut self.state {
            *stale = false;
        }
    }

    /// The connection was lost, or could not be made. Returns whether a connection was open.
    pub(super) fn lost(&mut self, now: Duration, pace: &Pace) -> bool {
        let was_open = match self.state {
            // An intentional close isn't a failure: it makes way for the next connection.
            State::Closing => {
                self.state = State::Waiting { until: now };
                return true;
            }
            State::Open { since, .. } => {
                if now.saturating_sub(since) >= pace.steady {
                    self.failures = 0;
                }
                true
            }
            _ => false,
        };
        self.failures += 1;
        self.state = self.next_try(now, pace);
        was_open
    }

    /// The dialed URL would be refused again: permanently, or until it is reported once more.
    pub(super) fn refused(&mut self, now: Duration, pace: &Pace, for_good: bool) {
        if for_good {
            self.refused.clone_from(&self.dialled);
        }
        if self.address == self.dialled {
            self.address = None;
        }
        self.failures += 1;
        self.state = self.next_try(now, pace);
    }

    /// The machine was suspended: no connection survives that, and earlier failures no longer count. Returns whether a
    /// connection has to be closed.
    pub(super) fn on_resume(&mut self, now: Duration) -> bool {
        self.failures = 0;
        match self.state {
            State::Open { .. } => {
                self.state = State::Closing;
                return true;
            }
            State::Off { until: None } | State::Closing => {}
            State::Off { until: Some(_) } | State::Waiting { .. } | State::Dialling => {
                self.state = State::Waiting { until: now };
            }
        }
        false
    }

    /// The next state after `failures` failures: dial at once, after a wait, after a rest, or not before a URL is
    /// known.
    fn next_try(&mut self, now: Duration, pace: &Pace) -> State {
        if self.address.is_none() {
            // All URLs are used up, or a replayed recording dials by itself.
            State::Off { until: None }
        } else if self.failures >= pace.most_failures {
            State::Off { until: Some(now + pace.rest) }
        } else if self.failures == 0 {
            State::Waiting { until: now }
        } else {
            State::Waiting { until: now + self.jitter(pace) }
        }
    }

    /// A random wait below a bound that doubles with every failure, so that many clients don't dial in step.
    fn jitter(&mut self, pace: &Pace) -> Duration {
        let (shortest, longest) = pace.redial;
        let bound = longest.mul_f64(1.0 / 30.0).saturating_mul(1 << (self.failures - 1).min(16)).min(longest);
        shortest.max(bound.mul_f64(self.jitter.next()))
    }

    /// The action due now, if any.
    pub(super) fn due(&mut self, now: Duration, pace: &Pace, running: bool) -> Option<Due> {
        match self.state {
            State::Waiting { until } | State::Off { until: Some(until) } if now >= until => {
                if matches!(self.state, State::Off { .. }) {
                    self.failures = 0;
                }
                let Some(address) = self.address.clone() else {
                    self.state = State::Off { until: None };
                    return None;
                };
                self.state = State::Dialling;
                self.attempt += 1;
                self.dialled = Some(address.clone());
                Some(Due::Connect(address))
            }
            State::Open { since, stale } => {
                let deaf = !self.heard && now.saturating_sub(since) >= pace.deaf;
                let silent = now.saturating_sub(self.last_frame) >= pace.stale;
                if running && !self.retried && (deaf || silent && self.has_moved()) {
                    self.retried = true;
                    self.state = State::Closing;
                    Some(Due::Hangup)
                } else if running && silent && !stale {
                    self.state = State::Open { since, stale: true };
                    Some(Due::Stale)
                } else {
                    None
                }
            }
            _ => None,
        }
    }

    /// Whether the task's URL now differs from this connection's.
    fn has_moved(&self) -> bool {
        match (&self.dialled, &self.address) {
            (Some(dialled), Some(address)) => !dialled.leads_where(address),
            _ => false,
        }
    }

    /// The next time at which [`Dial::due`] may change.
    pub(super) fn deadline(&self, pace: &Pace, running: bool) -> Option<Duration> {
        match self.state {
            State::Waiting { until } | State::Off { until: Some(until) } => Some(until),
            State::Open { since, stale } => {
                let deaf = (running && !self.heard && !self.retried).then(|| since + pace.deaf);
                let silent = (running && !stale).then(|| self.last_frame + pace.stale);
                deaf.into_iter().chain(silent).min()
            }
            State::Dialling | State::Closing | State::Off { until: None } => None,
        }
    }

    pub(super) fn connection(&self) -> Connection {
        let state = match self.state {
            State::Off { until: None } if self.attempt > 0 && self.refused.is_none() => {
                ConnectionState::Reconnecting
            }
            State::Off { .. } => ConnectionState::Polling,
            State::Open { stale: true, .. } => ConnectionState::Stale,
            State::Open { .. } => ConnectionState::Live,
            State::Closing => ConnectionState::Reconnecting,
            State::Waiting { .. } | State::Dialling if self.attempt > 1 || self.failures > 0 => {
                ConnectionState::Reconnecting
            }
            State::Waiting { .. } | State::Dialling => ConnectionState::Connecting,
        };
        Connection { state, attempt: self.attempt }
    }
}

/// An action the socket needs.
pub(super) enum Due {
    Connect(SocketUrl),
    /// The connection is open, but brings no frames of a running task.
    Hangup,
    Stale,
}
