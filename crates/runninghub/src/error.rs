//! The error type of this crate.

use std::{error::Error as StdError, fmt};

use runninghub_api::{Class, Code};
use runninghub_core::{Failure, Known, TaskId, Untrusted};
use runninghub_ledger::AttemptId;
use runninghub_net::ErrorKind as Net;

/// An operation failed, with what that means for the task.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    what: String,
    hint: Option<String>,
    failure: Option<Box<Failure>>,
    attempt: Option<AttemptId>,
    is_unknown_task: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What an error means for the task and for the caller.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Invalid input from the caller. Nothing was submitted.
    Usage,
    /// The platform cannot be reached, or the response is not from it.
    Network,
    /// The platform refused: key, balance, quota, validation, unknown id.
    Refused,
    /// It is unknown whether the task was created. It may have been charged; it is not sent again
    /// automatically.
    SubmitUnknown,
    /// Waiting exceeded the caller's limit. Nothing was submitted, or the task is still running.
    TimedOut,
    /// The task cannot be watched for now, and may still be running.
    StillRunning,
    /// The task ended without success, or no longer exists.
    TaskFailed,
    /// The task succeeded, but a result could not be downloaded.
    Results,
    /// A local file, or the ledger, could not be read or written.
    Io,
    /// A recording could not be read.
    Recording,
}

impl Error {
    /// Creates an error of a kind, for a [`Backend`](crate::Backend) outside of this crate. The message says
    /// what failed, without a period and without the source; it is escaped when displayed.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            what: message.into(),
            hint: None,
            failure: None,
            attempt: None,
            is_unknown_task: false,
            source: None,
        }
    }

    /// For a service that knows each of its tasks from the start: this task is unknown to it, because the id
    /// is wrong or the service has forgotten the task.
    pub fn unknown_task(message: impl Into<String>) -> Self {
        Self { is_unknown_task: true, ..Self::new(ErrorKind::Refused, message) }
    }

    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, what)
    }

    /// Adds a hint: what the caller can do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    pub(crate) fn task_failed(what: impl Into<String>, failure: Option<Failure>) -> Self {
        Self { failure: failure.map(Box::new), ..Self::new(ErrorKind::TaskFailed, what) }
    }

    #[must_use]
    pub(crate) fn of_attempt(mut self, attempt: &AttemptId) -> Self {
        self.attempt = Some(attempt.clone());
        self
    }

    /// A failed ledger operation, and what that means.
    pub(crate) fn ledger(what: &str, source: runninghub_ledger::Error) -> Self {
        use runninghub_ledger::ErrorKind as Ledger;
        let kind = match source.kind() {
            Ledger::Conflict | Ledger::Edge { .. } | Ledger::NotFound => ErrorKind::Usage,
            _ => ErrorKind::Io,
        };
        let hint = source.hint().map(|hint| hint.to_string());
        Self { hint, ..Self::new(kind, what).with_source(source) }
    }

    /// The submit in the ledger, for [`ErrorKind::SubmitUnknown`].
    pub fn attempt(&self) -> Option<&AttemptId> {
        self.attempt.as_ref()
    }

    /// The task named in the response to a create whose outcome is unknown.
    pub fn named_task(&self) -> Option<&TaskId> {
        self.api_error()?.task()
    }

    /// The platform's response, or why there is none.
    fn api_error(&self) -> Option<&runninghub_api::Error> {
        self.source.as_ref()?.downcast_ref()
    }

    /// What the error means for the task and the caller.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What the caller can do about it.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Why the task failed, for [`ErrorKind::TaskFailed`].
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_deref()
    }

    /// The platform's code, if the response has one.
    pub fn code(&self) -> Option<&Code> {
        self.api_error()?.code()
    }

    /// The class of the platform's code, if the response has one.
    pub fn class(&self) -> Option<Class> {
        let error = self.api_error()?;
        error.code().map(|_| error.class())
    }

    /// Whether the platform reports the task as unknown: a wrong id, or a task that it has forgotten.
    pub fn is_unknown_task(&self) -> bool {
        self.is_unknown_task || self.class() == Some(Class::NotFound)
    }

    /// Whether TLS failed: the server's certificate or the encryption was not accepted.
    pub fn is_tls(&self) -> bool {
        self.api_error().is_some_and(|error| matches!(error.kind(), runninghub_api::ErrorKind::Net(Net::Tls)))
    }

    /// Interprets a final refusal given what is known about the task: the request was refused, not the task.
    pub(crate) fn of_task(self, known: Known) -> Self {
        let (kind, prefix, hint) = match (known, self.is_unknown_task()) {
            (Known::Nothing, _) => return self,
            _ if self.is_unknown_task => (ErrorKind::TaskFailed, "the task is gone", self.hint),
            (Known::Seen, true) => (ErrorKind::TaskFailed, "the task is gone", None),
            (_, true) => {
                let hint = "the platform may know it later: watch it again".to_owned();
                (ErrorKind::StillRunning, "the task may still run", Some(hint))
            }
            (_, false) => (ErrorKind::StillRunning, "the task may still run", self.hint),
        };
        Self { kind, what: format!("{prefix}: {}", self.what), hint, ..self }
    }

    /// Whether a task that existed is no longer known.
    pub(crate) fn is_gone(&self) -> bool {
        self.kind == ErrorKind::TaskFailed && self.is_unknown_task()
    }

    /// A failed API call, and what that means.
    pub(crate) fn api(what: &str, source: runninghub_api::Error) -> Self {
        let kind = kind_of(&source);
        let hint = source.hint().map(|hint| hint.to_string());
        Self { hint, ..Self::new(kind, what).with_source(source) }
    }
}

impl Error {
    /// A failed request to a ComfyUI, and what that means.
    pub(crate) fn comfy(what: &str, source: runninghub_comfyui::Error) -> Self {
        use runninghub_comfyui::ErrorKind as Comfy;
        let kind = match source.kind() {
            Comfy::Usage { .. } => ErrorKind::Usage,
            Comfy::Net(kind) => of_net(kind),
            Comfy::Locked { .. } | Comfy::Rejected(_) => ErrorKind::Refused,
            _ => ErrorKind::Network,
        };
        let hint = source.hint().map(|hint| hint.to_string());
        Self { hint, ..Self::new(kind, what).with_source(source) }
    }
}

fn kind_of(error: &runninghub_api::Error) -> ErrorKind {
    use runninghub_api::ErrorKind as Api;
    match (error.kind(), error.class()) {
        (Api::Usage { .. }, _) => ErrorKind::Usage,
        (Api::Net(kind), _) => of_net(kind),
        (_, Class::Server) => ErrorKind::Network,
        (Api::Api { .. }, _) | (_, Class::Auth) => ErrorKind::Refused,
        _ => ErrorKind::Network,
    }
}

fn of_net(kind: &Net) -> ErrorKind {
    match kind {
        Net::CaFile { .. } | Net::Proxy { .. } | Net::Setup { .. } => ErrorKind::Usage,
        Net::Io { .. } => ErrorKind::Io,
        _ => ErrorKind::Network,
    }
}

impl From<runninghub_api::Error> for Error {
    fn from(source: runninghub_api::Error) -> Self {
        Self::api("the platform did not do it", source)
    }
}

impl From<runninghub_core::Error> for Error {
    fn from(source: runninghub_core::Error) -> Self {
        let what = match source.kind() {
            runninghub_core::ErrorKind::BadPriors => "this is not a table of priors",
            _ => "this is not a workflow that can be run",
        };
        let hint = source.hint().map(|hint| hint.to_string());
        Self { hint, ..Self::usage(what).with_source(source) }
    }
}

impl From<runninghub_transport::Error> for Error {
    fn from(source: runninghub_transport::Error) -> Self {
        let hint = source.hint().map(|hint| hint.to_string());
        Self { hint, ..Self::new(ErrorKind::Recording, "the recording cannot be used").with_source(source) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Node names and the like are external input.
        Untrusted::from(self.what.as_str()).fmt(f)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn StdError + 'static))
    }
}

/// The error and its causes on one line.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
