//! Limits how many submits a key sends per second.

use std::{collections::VecDeque, time::Duration};

/// The window of a rate.
const SECOND: Duration = Duration::from_secs(1);
/// After throttling by the server, the rate is halved for this long.
const SLOW: Duration = Duration::from_mins(1);

/// Limits the number of requests per second, and halves it for a minute after throttling by the server.
///
/// A [`Schedule`](super::Schedule) keeps the rate of its submits itself. Polls are up to the caller.
#[derive(Clone, Debug)]
pub struct Rate {
    most: usize,
    recent: VecDeque<Duration>,
    slow_until: Duration,
}

impl Rate {
    /// Submits: 5 a second.
    pub fn submits() -> Self {
        Self::new(5)
    }

    fn new(most: usize) -> Self {
        Self { most, recent: VecDeque::new(), slow_until: Duration::ZERO }
    }

    /// When the next request may be sent: now, or later.
    pub fn free_at(&self, now: Duration) -> Duration {
        let most = if now < self.slow_until { (self.most / 2).max(1) } else { self.most };
        let first = self.recent.len().checked_sub(most).and_then(|at| self.recent.get(at));
        first.map_or(now, |first| (*first + SECOND).max(now))
    }

    /// A request is sent.
    pub fn take(&mut self, now: Duration) {
        if self.recent.len() == self.most {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
    }

    /// The server throttled a request.
    pub fn slow_down(&mut self, now: Duration) {
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
        let (mut rate, mut now) = (Rate::submits(), Duration::ZERO);
        assert_eq!(send(&mut rate, &mut now, Duration::from_secs(10)), 50);
        rate.slow_down(now);
        assert_eq!(send(&mut rate, &mut now, Duration::from_secs(70)), 120);
        assert_eq!(send(&mut rate, &mut now, Duration::from_secs(80)), 50);
    }
}
