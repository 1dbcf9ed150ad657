//! Progress of a submit.

use std::{sync::Arc, time::Duration};

use crate::Error;
use runninghub_core::Sentence;

/// A step of a submit, as reported to `on_step`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum SubmitStep<'a> {
    /// The request that costs money is about to be sent. If the submit is dropped from now on, its outcome is
    /// unknown.
    Sending,
    /// No slot is free, or others are first. Nothing was created, and the submit can be dropped until the request is
    /// sent again. It is reported again when something has changed.
    Waiting {
        /// The wait until the next attempt, unless a slot becomes free earlier.
        wait: Duration,
        /// For how long the submit has waited.
        waited: Duration,
        /// The platform's response, if it has refused the request.
        error: Option<&'a Error>,
        /// The slots of the key, if a ledger keeps them.
        slots: Option<Busy>,
    },
    /// A setting is probably a mistake; the submit continues and will be paid for.
    Warning {
        /// A short, stable code.
        code: &'static str,
        /// The message.
        message: &'a Sentence,
    },
}

/// The slots of a key.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Busy {
    /// The number of slots in use, including known ones of others.
    pub busy: u32,
    /// The total number, if the platform reports it.
    pub limit: Option<u32>,
    /// The known number of slots used by tasks from other machines or the web page.
    pub elsewhere: u32,
    /// Slots in use by submits of unknown outcome: they are busy until you resolve the submits.
    pub unknown: u32,
    /// Other submits in the queue.
    pub others: u32,
}

/// Callback that receives each step.
pub(crate) type OnStep = Arc<dyn Fn(SubmitStep<'_>) + Send + Sync>;
