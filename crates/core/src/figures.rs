//! Serialization of published numbers: rounded, so that every front end shows the same.
#![expect(clippy::ref_option, reason = "serde passes references to fields")]

/// Durations as seconds with millisecond precision; anything finer is noise.
pub(crate) mod seconds {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(crate) fn of(span: Duration) -> f64 {
        (span.as_secs_f64() * 1000.0).round() / 1000.0
    }

    /// Total: negative numbers and NaN become zero, and numbers that are too large become the longest duration.
    pub(crate) fn read(seconds: f64) -> Duration {
        let nearest = if seconds > 0.0 { Duration::MAX } else { Duration::ZERO };
        Duration::try_from_secs_f64(seconds).unwrap_or(nearest)
    }

    pub(crate) fn serialize<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(of(*span))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        f64::deserialize(deserializer).map(read)
    }
}

/// Durations that may be unknown.
pub(crate) mod maybe_seconds {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::seconds;

    pub(crate) fn serialize<S: Serializer>(
        span: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        span.map(seconds::of).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Ok(Option::deserialize(deserializer)?.map(seconds::read))
    }
}

/// Fractions as percent with two decimal places.
pub(crate) mod hundredths {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(crate) fn of(fraction: f64) -> f64 {
        (fraction * 10_000.0).round() / 100.0
    }

    pub(crate) fn serialize<S: Serializer>(fraction: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        fraction.map(of).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
        Ok(Option::<f64>::deserialize(deserializer)?.map(|percent| percent / 100.0))
    }
}

/// Fractions as percent, where 100 means completion: only exactly 1 is shown as 100.
pub(crate) mod percent {
    use serde::{Serialize as _, Serializer};

    use super::hundredths;
    pub(crate) use super::hundredths::deserialize;

    pub(crate) fn of(fraction: f64) -> f64 {
        if fraction < 1.0 { hundredths::of(fraction).clamp(0.0, 99.99) } else { 100.0 }
    }

    pub(crate) fn serialize<S: Serializer>(fraction: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        fraction.map(of).serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn a_hundred_is_shown_only_when_it_is_one() {
        assert!((percent::of(0.5375) - 53.75).abs() < f64::EPSILON);
        assert!((percent::of(0.999_999) - 99.99).abs() < f64::EPSILON);
        assert!((percent::of(1.0) - 100.0).abs() < f64::EPSILON);
    }
}
