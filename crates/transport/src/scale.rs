//! Scales waits, for tests and demos.

use std::time::Duration;

/// `wait` times `factor`; an invalid factor changes nothing.
pub(crate) fn scale(wait: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(wait.as_secs_f64() * factor).unwrap_or(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_factors_change_nothing() {
        let second = Duration::from_secs(1);
        for factor in [f64::NAN, f64::INFINITY, -1.0] {
            assert_eq!(scale(second, factor), second);
        }
        assert_eq!(scale(second, 0.01), Duration::from_millis(10));
    }
}
