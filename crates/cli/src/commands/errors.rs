//! Maps errors of the library to exit codes and hints.

use runninghub::{
    ErrorKind,
    ledger::{Error as LedgerError, ErrorKind as LedgerErrorKind},
    say,
};

use crate::{
    exit::{Error, Exit, chain},
    secrets::clean,
    target,
};

impl From<LedgerError> for Error {
    fn from(error: LedgerError) -> Self {
        let exit = match error.kind() {
            LedgerErrorKind::Conflict | LedgerErrorKind::Edge { .. } | LedgerErrorKind::NotFound => {
                Exit::Usage
            }
            _ => Exit::Store,
        };
        Self { hint: error.hint().map(Box::new), ..Self::new(exit, chain(&error)) }
    }
}

impl From<runninghub::api::Error> for Error {
    fn from(error: runninghub::api::Error) -> Self {
        runninghub::Error::from(error).into()
    }
}

impl From<ErrorKind> for Exit {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Network => Self::Network,
            ErrorKind::Refused => Self::Refused,
            ErrorKind::SubmitUnknown => Self::SubmitUnknown,
            ErrorKind::StillRunning | ErrorKind::TimedOut => Self::StillRunning,
            ErrorKind::TaskFailed => Self::TaskFailed,
            ErrorKind::Results | ErrorKind::Gone => Self::Results,
            ErrorKind::Io => Self::Store,
            _ => Self::Usage,
        }
    }
}

impl From<runninghub::Error> for Error {
    fn from(error: runninghub::Error) -> Self {
        let found = Self {
            code: error.code().cloned().map(Box::new),
            attempt: error.attempt().map(ToString::to_string),
            hint: error.hint().cloned().map(Box::new),
            kind: error.failure_kind(),
            nodes: error
                .node_errors()
                .iter()
                .map(|node| node.clone().map(|text| clean(text).into()))
                .collect(),
            ..Self::new(error.kind().into(), chain(&error))
        };
        match error.kind() {
            // Only an id that `resolve` accepts: the command is meant to be copied.
            ErrorKind::SubmitUnknown => match (
                &found.attempt,
                error.named_task().filter(|task| target::task_id(task.as_str()).is_ok()),
            ) {
                (Some(attempt), Some(task)) => {
                    let hint = say!(
                        "`rhub tasks` lists it as {attempt}; if the task exists, record it with\n  rhub resolve {attempt} --task-id {task}",
                        attempt,
                        task
                    );
                    found.hint(hint)
                }
                (Some(attempt), None) => {
                    // The library has its own hint for a server.
                    let look = match found.hint {
                        Some(_) => say!("check the server's queue with `rhub queue`"),
                        None => say!("check the task list on the RunningHub website"),
                    };
                    let hint = say!(
                        "`rhub tasks` lists it as {attempt}; {look}, then record what you found with\n  rhub resolve {attempt} --task-id ID\n  rhub resolve {attempt} --not-created",
                        attempt,
                        look
                    );
                    found.hint(hint)
                }
                (None, _) => found,
            },
            ErrorKind::Recording => found
                .or_hint(say!("a recording is a folder made by `--record DIR`, one `ws-….jsonl` from it, or a file with the output of `--format json`")),
            _ => found,
        }
    }
}
