//! Noticing that the machine was suspended.

use std::time::Duration;

/// Tells a suspended machine from one that was merely slow, by two clocks that are read together: the wall clock goes
/// on during a suspend, the monotonic one stands still, and so do all timers with it.
///
/// Where the monotonic clock goes on as well (Windows), nothing is noticed here; the timers are due at once there.
/// Setting the wall clock forward looks like a suspend; that costs one question and one new connection.
#[derive(Clone, Copy, Debug)]
pub struct Suspend {
    monotonic: Duration,
    wall: Duration,
}

impl Suspend {
    /// How often both clocks are to be read: a suspended machine is noticed this long after it woke up.
    pub const TICK: Duration = Duration::from_secs(5);
    /// The clocks may drift apart this far, and be corrected, without anything having happened. Shorter suspends are
    /// what a network survives.
    pub const GAP: Duration = Duration::from_secs(15);

    /// Begins with what the clocks show now, each counted from any moment of its own.
    pub fn new(monotonic: Duration, wall: Duration) -> Self {
        Self { monotonic, wall }
    }

    /// When the clocks are to be read again, on the monotonic one.
    pub fn due(&self) -> Duration {
        self.monotonic + Self::TICK
    }

    /// Takes what the clocks show, and gives how long the machine was suspended since the last time, if it was.
    pub fn observe(&mut self, monotonic: Duration, wall: Duration) -> Option<Duration> {
        let awake = monotonic.saturating_sub(self.monotonic);
        let passed = wall.saturating_sub(self.wall);
        *self = Self { monotonic, wall };
        Some(passed.saturating_sub(awake)).filter(|gap| *gap > Self::GAP)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn only_the_wall_clock_running_ahead_is_a_suspend() {
        let mut suspend = Suspend::new(s(100), s(1_000_000));
        assert_eq!(suspend.due(), s(105));
        assert_eq!(suspend.observe(s(105), s(1_000_005)), None);
        assert_eq!(suspend.observe(s(110), s(1_003_610)), Some(s(3_600)), "an hour asleep");
        assert_eq!(suspend.observe(s(115), s(1_003_615)), None, "told once");
        assert_eq!(suspend.observe(s(1_000), s(1_004_500)), None, "nobody looked, but nobody slept");
        assert_eq!(suspend.observe(s(1_005), s(900_000)), None, "the wall clock was set back");
        assert_eq!(suspend.observe(s(1_010), s(900_020)), None, "15 s are let pass");
        assert_eq!(suspend.observe(s(1_015), s(900_041)), Some(s(16)));
    }

    proptest! {
        #[test]
        fn it_is_the_difference_and_nothing_else(steps in prop::collection::vec((0u64..100, 0u64..100), 1..50)) {
            let (mut monotonic, mut wall) = (s(7), s(1 << 30));
            let mut suspend = Suspend::new(monotonic, wall);
            for (awake, asleep) in steps {
                monotonic += s(awake);
                wall += s(awake + asleep);
                let expected = (asleep > 15).then_some(s(asleep));
                prop_assert_eq!(suspend.observe(monotonic, wall), expected);
            }
        }
    }
}
