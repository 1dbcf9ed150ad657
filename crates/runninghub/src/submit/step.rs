//! Progress of a submit.

use std::time::Duration;

use crate::Error;
use runninghub_core::Sentence;

/// A step of a submit, as reported to `on_step`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum SubmitStep<'a> {
    /// The request that costs money is about to be sent. If the submit is dropped from now on, its outcome is
    /// unknown.
    Sending,
    /// No slot is free. Nothing was created, and the submit can be dropped until the request is sent again.
    Waiting {
        /// The wait until the next attempt.
        wait: Duration,
        /// The platform's response.
        error: &'a Error,
    },
    /// A setting is probably a mistake; the submit continues and will be paid for.
    Warning {
        /// A short, stable code.
        code: &'static str,
        /// The message.
        message: &'a Sentence,
    },
}

/// Callback that receives each step.
pub(crate) type OnStep = Box<dyn Fn(SubmitStep<'_>) + Send + Sync>;
