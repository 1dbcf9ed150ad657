//! Detects that the machine was suspended.

use std::time::Duration;

/// Distinguishes a suspended machine from a slow one by two clocks read together: the wall clock continues during a
/// suspension, while the monotonic clock and all timers stop.
///
/// On systems where the monotonic clock continues as well (Windows), nothing is detected; there the timers are due at
/// once. Setting the wall clock forward looks like a suspension; the cost is one poll and one new connection.
#[derive(Clone, Copy, Debug)]
pub struct Suspend {
    monotonic: Duration,
    wall: Duration,
}

impl Suspend {
    /// How often to read both clocks: a suspension is detected this long after the machine wakes up.
    pub const TICK: Duration = Duration::from_secs(5);
    /// The tolerated drift between the clocks, including corrections. Connections survive shorter suspensions.
    pub const GAP: Duration = Duration::from_secs(15);

    /// Starts with the current values of both clocks, each counted from any fixed moment.
    pub fn new(monotonic: Duration, wall: Duration) -> Self {
        Self { monotonic, wall }
    }

    /// When to read the clocks again, on the monotonic clock.
    pub fn due(&self) -> Duration {
        self.monotonic + Self::TICK
    }

    /// Takes the values of both clocks. Returns how long the machine was suspended since the last call, if it was.
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
        fn a_diff_contains_only_differences(steps in prop::collection::vec((0u64..100, 0u64..100), 1..50)) {
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
