//! A speed factor: a number, or `max`.

use std::env;

use runninghub::{Sentence, Speed, say};

use crate::exit::Error;

/// Scales every built-in wait.
const TIME_SCALE: &str = "RUNNINGHUB_TIME_SCALE";

/// Reads a speed.
///
/// # Errors
/// A sentence with the accepted formats.
pub(crate) fn parse(text: &str) -> Result<Speed, Sentence> {
    let times = match text {
        "max" => return Ok(Speed::Max),
        text => text.parse().ok().filter(|times: &f64| times.is_finite() && *times > 0.0),
    };
    times.map(Speed::Times).ok_or_else(|| say!("a speed is a number above 0, or `max`"))
}

/// The factor; infinite for `max`.
#[cfg(feature = "sim")]
pub(crate) fn factor(speed: Speed) -> f64 {
    if let Speed::Times(times) = speed { times } else { f64::INFINITY }
}

/// The scale of built-in waits from the environment; 1 if unset.
///
/// # Errors
/// Usage, if it isn't a number above 0.
pub(crate) fn time_scale() -> Result<f64, Error> {
    let Some(text) = env::var_os(TIME_SCALE).filter(|text| !text.is_empty()) else { return Ok(1.0) };
    text.to_str()
        .and_then(|text| text.trim().parse().ok())
        .filter(|scale: &f64| scale.is_finite() && *scale > 0.0)
        .ok_or_else(|| {
            Error::usage(say!("{variable} is not a number above 0", variable = TIME_SCALE))
                .hint(say!("use 1 for real time, less for faster"))
        })
}
