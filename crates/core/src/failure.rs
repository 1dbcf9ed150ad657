//! Classes of errors, for programs that read them.

use serde::{Deserialize, Serialize};

/// The class of an error.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// An option, a value, a file or the configuration. Nothing was sent.
    Usage,
    /// The server cannot be reached, or something else responds.
    Network,
    /// The server failed.
    Server,
    /// The key or the login is refused.
    Auth,
    /// The balance or the plan does not suffice.
    Quota,
    /// No slot is free, or there were too many requests.
    Capacity,
    /// The workflow or a parameter is refused.
    Validation,
    /// The content is not allowed.
    Content,
    /// The id is unknown, or no longer known.
    NotFound,
    /// It is refused for another reason.
    Refused,
    /// The task failed while it ran.
    Task,
    /// It is unknown whether a task was created.
    SubmitUnknown,
    /// The task may still be running.
    StillRunning,
    /// Results could not be saved.
    Results,
    /// Results no longer exist.
    Gone,
    /// The local disk or the ledger.
    Store,
    /// A signal ended the command.
    Interrupted,
    /// The program has a bug.
    Internal,
}

/// Whether the failed command may be run again.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Repeat {
    /// It has created nothing, and may succeed later.
    Safe,
    /// It has created a task, or may have: running it again could pay twice.
    Ambiguous,
    /// It would fail again until something is changed.
    Never,
}

impl FailureKind {
    /// Whether a command with this failure may be run again. `created` says whether it has created a task.
    pub fn retry(self, created: bool) -> Repeat {
        match self {
            Self::SubmitUnknown | Self::Internal => Repeat::Ambiguous,
            Self::Network
            | Self::Server
            | Self::Capacity
            | Self::StillRunning
            | Self::Results
            | Self::Interrupted => {
                if created {
                    Repeat::Ambiguous
                } else {
                    Repeat::Safe
                }
            }
            _ => Repeat::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_been_paid_is_not_called_safe() {
        for kind in
            [FailureKind::Network, FailureKind::Capacity, FailureKind::Results, FailureKind::Interrupted]
        {
            assert_eq!((kind.retry(false), kind.retry(true)), (Repeat::Safe, Repeat::Ambiguous), "{kind:?}");
        }
        assert_eq!(FailureKind::SubmitUnknown.retry(false), Repeat::Ambiguous);
        for kind in [FailureKind::Usage, FailureKind::Auth, FailureKind::Validation, FailureKind::Task] {
            assert_eq!((kind.retry(false), kind.retry(true)), (Repeat::Never, Repeat::Never), "{kind:?}");
        }
    }
}
