//! Exit codes, and the error type of commands.

use std::{error::Error as StdError, process::ExitCode};

use runninghub::{Code, FailureKind, NodeError, Sentence};

use crate::{secrets, signals::Signal};

/// How the process ends. The numbers are a public contract.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Success.
    Done = 0,
    /// The task failed, the platform cancelled it, or it no longer exists.
    TaskFailed = 1,
    /// Usage or configuration; nothing was sent.
    Usage = 2,
    /// The network or the server could not be reached.
    Network = 3,
    /// The platform refused the request: key, balance, quota, validation.
    Refused = 4,
    /// The outcome of the submit is unknown; it may have been charged.
    SubmitUnknown = 5,
    /// Stopped waiting, or the status cannot be determined; the task may still run.
    StillRunning = 6,
    /// Some of several operations failed.
    PartialFailure = 7,
    /// The task succeeded, but its results were not all saved.
    Results = 8,
    /// An error of the local store or the disk.
    Store = 9,
    /// Ctrl-C.
    Interrupted = 130,
    /// Ended by the system or another process.
    Terminated = 143,
    /// The terminal is gone; reported as [`Exit::Terminated`].
    HungUp = 129,
}

impl Exit {
    /// The exit code with this number, except those of signals.
    pub(crate) fn of(code: u8) -> Option<Self> {
        use Exit::{
            Done, Network, PartialFailure, Refused, Results, StillRunning, Store, SubmitUnknown, TaskFailed,
            Usage,
        };
        let all = [
            Done,
            TaskFailed,
            Usage,
            Network,
            Refused,
            SubmitUnknown,
            StillRunning,
            PartialFailure,
            Results,
            Store,
        ];
        all.into_iter().find(|exit| exit.code() == code)
    }

    /// The number of the exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::HungUp => Self::Terminated as u8,
            exit => exit as u8,
        }
    }

    /// The class of an error with this exit code, unless more is known.
    pub(crate) fn kind(self) -> FailureKind {
        match self {
            Self::TaskFailed | Self::PartialFailure => FailureKind::Task,
            Self::Network => FailureKind::Network,
            Self::Refused => FailureKind::Refused,
            Self::SubmitUnknown => FailureKind::SubmitUnknown,
            Self::StillRunning => FailureKind::StillRunning,
            Self::Results => FailureKind::Results,
            Self::Store => FailureKind::Store,
            Self::Interrupted | Self::Terminated | Self::HungUp => FailureKind::Interrupted,
            Self::Done | Self::Usage => FailureKind::Usage,
        }
    }

    /// The signal that ends the process, if any.
    pub(crate) fn signal(self) -> Option<Signal> {
        match self {
            Self::Interrupted => Some(Signal::Interrupt),
            Self::Terminated => Some(Signal::Terminate),
            Self::HungUp => Some(Signal::HangUp),
            _ => None,
        }
    }
}

impl From<Signal> for Exit {
    fn from(signal: Signal) -> Self {
        match signal {
            Signal::Interrupt => Self::Interrupted,
            Signal::HangUp => Self::HungUp,
            _ => Self::Terminated,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command failed: a sentence, a hint, and the exit code.
#[derive(Clone, Debug)]
pub(crate) struct Error {
    pub(crate) exit: Exit,
    pub(crate) message: Sentence,
    /// Boxed, so that a result stays small.
    pub(crate) hint: Option<Box<Sentence>>,
    /// The platform's code, if it sent one.
    pub(crate) code: Option<Box<Code>>,
    /// The ledger entry of a submit of unknown outcome.
    pub(crate) attempt: Option<String>,
    /// The class of the error.
    pub(crate) kind: FailureKind,
    /// The problems of single nodes.
    pub(crate) nodes: Box<[NodeError]>,
    /// The option whose value is wrong.
    pub(crate) option: Option<&'static str>,
}

impl Error {
    /// An error with its exit code. The message is sanitized here because error sources may contain server text.
    pub(crate) fn new(exit: Exit, message: Sentence) -> Self {
        Self {
            exit,
            message: message.map(&secrets::clean),
            hint: None,
            code: None,
            attempt: None,
            kind: exit.kind(),
            nodes: Box::default(),
            option: None,
        }
    }

    /// An error in the user's input.
    pub(crate) fn usage(message: Sentence) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Sets the hint.
    pub(crate) fn hint(self, hint: Sentence) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Names the option whose value is wrong, without its dashes.
    pub(crate) fn about(self, option: &'static str) -> Self {
        Self { option: Some(option), ..self }
    }

    /// Adds to the hint.
    pub(crate) fn and_hint(mut self, hint: Sentence) -> Self {
        let known = self.hint.take().map(|known| *known);
        self.hint(Sentence::list(known.into_iter().chain([hint])))
    }

    /// Sets the hint if there is none yet.
    pub(crate) fn or_hint(mut self, hint: Sentence) -> Self {
        self.hint.get_or_insert_with(|| hint.into());
        self
    }
}

/// An error and its causes, each once: `a: b: c`. Sanitized, since they may contain server text.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> Sentence {
    runninghub::sentence_of(error).map(&secrets::clean)
}
