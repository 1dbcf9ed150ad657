//! When to dial the socket.

use std::time::Duration;

use super::pace::Pace;
use crate::{Connection, ConnectionState, SocketUrl};

/// The socket's side of a session.
#[derive(Debug)]
pub(super) struct Dial {
    pub(super) address: Option<SocketUrl>,
    state: State,
    attempt: u32,
    failures: u32,
    random: u64,
    /// Whether this connection has brought a frame of the run.
    heard: bool,
    last_frame: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// No address, or dialling rests until then.
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
    Closing,
}

impl Dial {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            address: None,
            state: State::Off { until: None },
            attempt: 0,
            failures: 0,
            random: seed,
            heard: false,
            last_frame: Duration::ZERO,
        }
    }

    /// An address is known; the newest one is dialled next. Gives whether it is the first one.
    pub(super) fn learn(&mut self, now: Duration, address: SocketUrl) -> bool {
        let first = self.address.replace(address).is_none();
        if first && self.state == (State::Off { until: None }) {
            self.state = State::Waiting { until: now };
        }
        first
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    /// Whether this connection has brought a frame of the run.
    pub(super) fn has_heard(&self) -> bool {
        self.heard
    }

    pub(super) fn opened(&mut self, now: Duration) {
        if self.state != State::Dialling {
            // Somebody else dialled: a recording is being played.
            self.attempt += 1;
        }
        self.heard = false;
        self.last_frame = now;
        self.state = State::Open { since: now, stale: false };
    }

    pub(super) fn frame(&mut self, now: Duration, ours: bool) {
        self.heard |= ours;
        self.last_frame = now;
        if let State::Open { stale, .. } = &mut self.state {
            *stale = false;
        }
    }

    /// The connection is gone, or could not be made. Gives whether there was one.
    pub(super) fn lost(&mut self, now: Duration, pace: &Pace) -> bool {
        let was_open = matches!(self.state, State::Open { .. } | State::Closing);
        if let State::Open { since, .. } = self.state
            && now.saturating_sub(since) >= pace.steady
        {
            self.failures = 0;
        }
        self.failures += 1;
        self.state = if self.address.is_none() {
            // Somebody else dials: a recording is being played.
            State::Off { until: None }
        } else if self.failures >= pace.most_failures {
            State::Off { until: Some(now + pace.rest) }
        } else {
            State::Waiting { until: now + self.jitter(pace) }
        };
        was_open
    }

    /// Anywhere up to a bound that doubles with every failure: many clients must not dial in step.
    fn jitter(&mut self, pace: &Pace) -> Duration {
        let (shortest, longest) = pace.redial;
        let bound = longest.mul_f64(1.0 / 30.0).saturating_mul(1 << (self.failures - 1).min(16)).min(longest);
        // SplitMix64: good enough to spread clients, also those with neighbouring seeds, and the same for the same seed.
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let random = mixed ^ (mixed >> 31);
        shortest.max(bound.mul_f64((random >> 11) as f64 / (1u64 << 53) as f64))
    }

    /// What is due now, if anything.
    pub(super) fn due(&mut self, now: Duration, pace: &Pace, running: bool) -> Option<Due> {
        match &mut self.state {
            State::Waiting { until } | State::Off { until: Some(until) } if now >= *until => {
                let address = self.address.clone()?;
                if matches!(self.state, State::Off { .. }) {
                    self.failures = 0;
                }
                self.state = State::Dialling;
                self.attempt += 1;
                Some(Due::Connect(address))
            }
            State::Open { since, stale } => {
                let deaf = running && !self.heard && now.saturating_sub(*since) >= pace.deaf;
                let silent = now.saturating_sub(self.last_frame) >= pace.stale;
                if deaf {
                    self.state = State::Closing;
                    Some(Due::Hangup)
                } else if silent && !*stale {
                    *stale = true;
                    Some(Due::Stale)
                } else {
                    None
                }
            }
            _ => None,
        }
    }

    /// When to look again.
    pub(super) fn deadline(&self, pace: &Pace, running: bool) -> Option<Duration> {
        match self.state {
            State::Waiting { until } | State::Off { until: Some(until) } => Some(until),
            State::Open { since, stale } => {
                let deaf = (running && !self.heard).then(|| since + pace.deaf);
                let silent = (!stale).then(|| self.last_frame + pace.stale);
                deaf.into_iter().chain(silent).min()
            }
            State::Dialling | State::Closing | State::Off { until: None } => None,
        }
    }

    pub(super) fn connection(&self) -> Connection {
        let state = match self.state {
            State::Off { until: None } if self.attempt > 0 => ConnectionState::Reconnecting,
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

/// What the socket needs.
pub(super) enum Due {
    Connect(SocketUrl),
    /// Open, but no frame of the run ever came.
    Hangup,
    Stale,
}
