//! Limits how many submits a key sends per second.

use std::{collections::VecDeque, time::Duration};

/// The window of a rate.
const SECOND: Duration = Duration::from_secs(1);
/// After throttling by the server, the rate is halved for this long.
const SLOW: Duration = Duration::from_mins(1);

/// Maximum number of submits in any second.
const MOST: usize = 5;

/// Limits the number of submits per second, and halves it for a minute after throttling by the server.
#[derive(Clone, Debug, Default)]
pub(super) struct Rate {
    recent: VecDeque<Duration>,
    slow_until: Duration,
}

impl Rate {
    /// When the next submit may be sent: now, or later.
    pub(super) fn free_at(&self, now: Duration) -> Duration {
        let most = if now < self.slow_until { MOST / 2 } else { MOST };
        let first = self.recent.len().checked_sub(most).and_then(|at| self.recent.get(at));
        first.map_or(now, |first| (*first + SECOND).max(now))
    }

    /// A submit is sent.
    pub(super) fn take(&mut self, now: Duration) {
        if self.recent.len() == MOST {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
    }

    /// The server throttled a request.
    pub(super) fn slow_down(&mut self, now: Duration) {
        self.slow_until = now + SLOW;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends as many requests as allowed until a time, and returns the number.
    fn send(rate: &mut Rate, now: &mut Duration, until: Duration) -> usize {
        let mut sent = 0;
        loop {
            *now = rate.free_at(*now);
            if *now >= until {
                return sent;
            }
            rate.take(*now);
            sent += 1;
        }
    }

    #[test]
    fn a_rate_is_kept_and_halved_for_a_minute() {
        let (mut rate, mut now) = (Rate::default(), Duration::ZERO);
        assert_eq!(send(&mut rate, &mut now, Duration::from_secs(10)), 50);
        rate.slow_down(now);
        assert_eq!(send(&mut rate, &mut now, Duration::from_secs(70)), 120);
        assert_eq!(send(&mut rate, &mut now, Duration::from_secs(80)), 50);
    }
}
