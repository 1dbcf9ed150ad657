//! What a submit tells on its way.

use std::time::Duration;

use crate::Error;

/// A step of a submit, as its `on_step` is told.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum SubmitStep<'a> {
    /// The request that costs money is about to be sent. Whoever drops the submit from now on does not know what came of it.
    Sending,
    /// No slot is free. Nothing was created, and the submit can be dropped until it is sent again.
    Waiting {
        /// How long.
        wait: Duration,
        /// What the platform said.
        error: &'a Error,
    },
    /// Something is probably not meant, and the task is going to be paid for all the same.
    Warning {
        /// A short name for it.
        code: &'static str,
        /// What it is, in English.
        message: &'a str,
    },
}

/// Is told each step.
pub(crate) type OnStep = Box<dyn Fn(SubmitStep<'_>) + Send + Sync>;
