//! Exit codes, and the one error that commands return.

use std::{error::Error as StdError, process::ExitCode};

use runninghub::Code;

use crate::{secrets, signals::Signal};

/// How the process ends. The numbers are a contract.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// The task failed, the platform cancelled it, or it is gone.
    TaskFailed = 1,
    /// Usage or configuration; nothing was sent.
    Usage = 2,
    /// The network or the server could not be reached.
    Network = 3,
    /// The platform refused: key, balance, quota, validation.
    Refused = 4,
    /// Nobody knows what became of the submit; it may have been charged.
    SubmitUnknown = 5,
    /// Stopped waiting, or nothing can be learned; the task may still run.
    StillRunning = 6,
    /// Some of several failed.
    Partly = 7,
    /// The task succeeded, but its results were not all saved.
    Results = 8,
    /// The local store or the disk.
    Store = 9,
    /// Ctrl-C.
    Interrupted = 130,
    /// The system or another process ended it.
    Terminated = 143,
    /// The terminal is gone; told as [`Exit::Terminated`].
    HungUp = 129,
}

impl Exit {
    /// The one with this number, except those of signals.
    pub(crate) fn of(code: u8) -> Option<Self> {
        use Exit::{
            Done, Network, Partly, Refused, Results, StillRunning, Store, SubmitUnknown, TaskFailed, Usage,
        };
        let all =
            [Done, TaskFailed, Usage, Network, Refused, SubmitUnknown, StillRunning, Partly, Results, Store];
        all.into_iter().find(|exit| exit.code() == code)
    }

    /// The number.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::HungUp => Self::Terminated as u8,
            exit => exit as u8,
        }
    }

    /// The signal that the process ends by, where it was one.
    pub(crate) fn signal(self) -> Option<Signal> {
        match self {
            Self::Interrupted => Some(Signal::Interrupt),
            Self::Terminated => Some(Signal::Terminate),
            Self::HungUp => Some(Signal::HangUp),
            _ => None,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command could not do its work: one sentence, what helps, and the exit code.
#[derive(Clone, Debug)]
pub(crate) struct Error {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    /// The platform's code, where it sent one.
    pub(crate) code: Option<Code>,
    /// The submit in the ledger, where nobody knows what became of it.
    pub(crate) attempt: Option<String>,
}

impl Error {
    /// An error with its exit code. Its causes may quote a server: the message is made safe here, once.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: secrets::clean(&message.into()), hint: None, code: None, attempt: None }
    }

    /// Something that the user wrote is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Adds what helps.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds what helps, where nothing better is known.
    pub(crate) fn or_hint(mut self, hint: &str) -> Self {
        self.hint.get_or_insert_with(|| hint.to_owned());
        self
    }
}

/// An error and its causes, each once: `a: b: c`. They may quote a server, so the whole is made safe.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    secrets::clean(&text)
}
