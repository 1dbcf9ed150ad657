//! How many times as fast: a number, or `max`.

use runninghub::Speed;

/// Reads a speed.
///
/// # Errors
/// A sentence that says what is accepted.
pub(crate) fn parse(text: &str) -> Result<Speed, &'static str> {
    let times = match text {
        "max" => return Ok(Speed::Max),
        text => text.parse().ok().filter(|times: &f64| times.is_finite() && *times > 0.0),
    };
    times.map(Speed::Times).ok_or("a speed is a number above 0, or `max`")
}

/// The number; infinite for `max`.
#[cfg(feature = "sim")]
pub(crate) fn factor(speed: Speed) -> f64 {
    if let Speed::Times(times) = speed { times } else { f64::INFINITY }
}
