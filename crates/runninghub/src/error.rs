//! The error type of this crate.

use std::{error::Error as StdError, iter};

use runninghub_api::{Class, Code};
use runninghub_core::{Failure, FailureKind, Known, Node, NodeError, Sentence, TaskId, say};
use runninghub_ledger::AttemptId;
use runninghub_net::ErrorKind as Net;

/// A failed operation, and its meaning for the task.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Error {
    kind: ErrorKind,
    what: Sentence,
    hint: Option<Box<Sentence>>,
    failure: Option<Box<Failure>>,
    attempt: Option<AttemptId>,
    is_unknown_task: bool,
    node_errors: Box<[NodeError]>,
    refuses_key: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The meaning of an error for the task and the caller.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Invalid input from the caller. Nothing was submitted.
    Usage,
    /// The platform cannot be reached, or the response is not from it.
    Network,
    /// The platform refused: key, balance, quota, validation, unknown id.
    Refused,
    /// The submit was withdrawn before it was sent: nothing was created.
    Withdrawn,
    /// The batch may not cost that much: nothing was created.
    TooExpensive,
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
    /// The same, and the result no longer exists: a retry cannot help.
    Gone,
    /// A local file, or the ledger, could not be read or written.
    Io,
    /// A recording could not be read.
    Recording,
}

impl Error {
    /// Creates an error of a kind, for a [`Backend`](crate::Backend) outside of this crate. The sentence says
    /// what failed, without a period and without the source.
    pub fn new(kind: ErrorKind, what: Sentence) -> Self {
        Self {
            kind,
            what,
            hint: None,
            failure: None,
            attempt: None,
            is_unknown_task: false,
            node_errors: Box::default(),
            refuses_key: false,
            source: None,
        }
    }

    /// For a service that knows its tasks from the start: it doesn't know this task, because the id is wrong or the
    /// task was forgotten.
    pub fn unknown_task(what: Sentence) -> Self {
        Self { is_unknown_task: true, ..Self::new(ErrorKind::Refused, what) }
    }

    pub(crate) fn usage(what: Sentence) -> Self {
        Self::new(ErrorKind::Usage, what)
    }

    /// Adds a hint: what the caller can do about it.
    #[must_use]
    pub fn with_hint(self, hint: Sentence) -> Self {
        self.hinted(Some(hint))
    }

    /// Adds a hint, if there is one.
    #[must_use]
    pub(crate) fn hinted(self, hint: Option<Sentence>) -> Self {
        Self { hint: hint.map(Box::new).or(self.hint), ..self }
    }

    /// Adds the errors of single nodes.
    #[must_use]
    pub(crate) fn of_nodes(self, node_errors: Vec<NodeError>) -> Self {
        Self { node_errors: node_errors.into(), ..self }
    }

    /// The error is about one input of one node: `problem` names it for programs.
    #[must_use]
    pub(crate) fn of_input(self, node: &Node, input: &str, problem: &str) -> Self {
        let message = self.what.to_string();
        let error = NodeError::new(node.id.clone(), problem, message).at(node.class_type.raw(), Some(input));
        self.of_nodes(vec![error])
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(self, source: impl StdError + Send + Sync + 'static) -> Self {
        Self { source: Some(Box::new(source)), ..self }
    }

    pub(crate) fn task_failed(what: Sentence, failure: Option<Failure>) -> Self {
        Self { failure: failure.map(Box::new), ..Self::new(ErrorKind::TaskFailed, what) }
    }

    #[must_use]
    pub(crate) fn of_attempt(self, attempt: &AttemptId) -> Self {
        Self { attempt: Some(attempt.clone()), ..self }
    }

    /// A failed ledger operation, and its meaning.
    pub(crate) fn ledger(what: Sentence, source: runninghub_ledger::Error) -> Self {
        use runninghub_ledger::ErrorKind as Ledger;
        let kind = match source.kind() {
            Ledger::Conflict | Ledger::Edge { .. } | Ledger::NotFound => ErrorKind::Usage,
            _ => ErrorKind::Io,
        };
        Self::new(kind, what).hinted(source.hint()).with_source(source)
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

    /// The meaning of the error for the task and the caller.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The class of the error, in the published format.
    pub fn failure_kind(&self) -> FailureKind {
        let is_gone_id = |code: &Code| [Code::NO_SUCH_WORKFLOW, Code::NO_SUCH_APP].contains(code);
        match self.kind {
            ErrorKind::Usage | ErrorKind::Recording => FailureKind::Usage,
            ErrorKind::Network if self.class() == Some(Class::Server) => FailureKind::Server,
            ErrorKind::Network => FailureKind::Network,
            ErrorKind::Refused | ErrorKind::TaskFailed if self.is_unknown_task() => FailureKind::NotFound,
            ErrorKind::Refused if self.code().is_some_and(is_gone_id) => FailureKind::NotFound,
            ErrorKind::Withdrawn | ErrorKind::TooExpensive => FailureKind::Refused,
            ErrorKind::Refused => match self.class() {
                Some(Class::Auth) => FailureKind::Auth,
                Some(Class::Quota) => FailureKind::Quota,
                Some(Class::Capacity | Class::Rate) => FailureKind::Capacity,
                Some(Class::Content) => FailureKind::Content,
                Some(Class::BadRequest) => FailureKind::Validation,
                _ if !self.node_errors.is_empty() || self.is_rejected() => FailureKind::Validation,
                _ if self.is_locked() => FailureKind::Auth,
                _ => FailureKind::Refused,
            },
            ErrorKind::SubmitUnknown => FailureKind::SubmitUnknown,
            ErrorKind::TimedOut | ErrorKind::StillRunning => FailureKind::StillRunning,
            ErrorKind::TaskFailed => FailureKind::Task,
            ErrorKind::Results => FailureKind::Results,
            ErrorKind::Gone => FailureKind::Gone,
            ErrorKind::Io => FailureKind::Store,
        }
    }

    /// Whether a ComfyUI checked the prompt and refused it.
    fn is_rejected(&self) -> bool {
        matches!(self.comfy_error(), Some(runninghub_comfyui::ErrorKind::Rejected(_)))
    }

    /// Whether a ComfyUI requires a login.
    fn is_locked(&self) -> bool {
        matches!(self.comfy_error(), Some(runninghub_comfyui::ErrorKind::Locked { .. }))
    }

    fn comfy_error(&self) -> Option<&runninghub_comfyui::ErrorKind> {
        let error: &runninghub_comfyui::Error = self.source.as_ref()?.downcast_ref()?;
        Some(error.kind())
    }

    /// What failed, without the causes; [`sentence_of`] has them too.
    pub fn sentence(&self) -> Sentence {
        self.what.clone()
    }

    /// How the caller can fix it.
    pub fn hint(&self) -> Option<&Sentence> {
        self.hint.as_deref()
    }

    /// Why the task failed, for [`ErrorKind::TaskFailed`].
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_deref()
    }

    /// The known problems of single nodes of a refused workflow.
    pub fn node_errors(&self) -> &[NodeError] {
        &self.node_errors
    }

    pub(crate) fn node_errors_mut(&mut self) -> &mut [NodeError] {
        &mut self.node_errors
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

    /// Whether everything that the key submits is refused until the user acts: no balance, a disabled key.
    pub fn refuses_key(&self) -> bool {
        self.refuses_key || self.api_error().is_some_and(runninghub_api::Error::refuses_key)
    }

    /// The key was refused a moment ago, so nothing was sent.
    #[must_use]
    pub(crate) fn of_refused_key(self) -> Self {
        Self { refuses_key: true, ..self }
    }

    /// Whether the platform reports the task as unknown: a wrong id, or a task that it has forgotten.
    pub fn is_unknown_task(&self) -> bool {
        self.is_unknown_task || self.class() == Some(Class::NotFound)
    }

    /// Whether a result's link has expired, or was never valid.
    pub fn is_expired(&self) -> bool {
        let source = self.source.as_ref().and_then(|source| source.downcast_ref::<runninghub_net::Error>());
        source.is_some_and(|source| matches!(source.kind(), Net::Expired { .. }))
    }

    /// Interprets a final refusal given what is known about the task: the request was refused, not the task.
    pub(crate) fn of_task(self, known: Known) -> Self {
        let (is_gone, hint) = match (known, self.is_unknown_task()) {
            (Known::Nothing, _) => return self,
            _ if self.is_unknown_task => (true, self.hint),
            (Known::Seen, true) => (true, None),
            (_, true) => (false, Some(Box::new(say!("the platform may list it later: watch it again")))),
            (_, false) => (false, self.hint),
        };
        let (kind, first) = if is_gone {
            (ErrorKind::TaskFailed, say!("the task no longer exists"))
        } else {
            (ErrorKind::StillRunning, say!("the task may still be running"))
        };
        Self { kind, what: Sentence::chain([first, self.what]), hint, ..self }
    }

    /// Whether a task that existed is no longer known.
    pub(crate) fn is_gone(&self) -> bool {
        self.kind == ErrorKind::TaskFailed && self.is_unknown_task()
    }

    /// A failed API call, and its meaning.
    pub(crate) fn api(what: Sentence, source: runninghub_api::Error) -> Self {
        let kind = kind_of(&source);
        let node_errors = source.node_errors().to_vec();
        Self::new(kind, what).of_nodes(node_errors).hinted(source.hint()).with_source(source)
    }
}

impl Error {
    /// A failed request to a ComfyUI, and its meaning.
    pub(crate) fn comfy(what: Sentence, source: runninghub_comfyui::Error) -> Self {
        use runninghub_comfyui::ErrorKind as Comfy;
        let kind = match source.kind() {
            Comfy::Usage { .. } | Comfy::FileTooLarge { .. } => ErrorKind::Usage,
            Comfy::Net(kind) => of_net(kind),
            Comfy::Locked { .. } | Comfy::Rejected(_) => ErrorKind::Refused,
            _ => ErrorKind::Network,
        };
        let node_errors = match source.kind() {
            Comfy::Rejected(rejected) => rejected.node_errors.clone(),
            _ => Vec::new(),
        };
        Self::new(kind, what).of_nodes(node_errors).hinted(source.hint()).with_source(source)
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
        Net::Io { .. } | Net::Full { .. } => ErrorKind::Io,
        _ => ErrorKind::Network,
    }
}

impl From<runninghub_api::Error> for Error {
    fn from(source: runninghub_api::Error) -> Self {
        Self::api(say!("the platform rejected the request"), source)
    }
}

impl From<runninghub_catalog::Error> for Error {
    fn from(error: runninghub_catalog::Error) -> Self {
        Self::usage(error.sentence()).hinted(error.hint())
    }
}

impl From<runninghub_core::Error> for Error {
    fn from(source: runninghub_core::Error) -> Self {
        let what = match source.kind() {
            runninghub_core::ErrorKind::BadPriors => say!("this is not a priors file"),
            _ => say!("this workflow cannot be run"),
        };
        Self::usage(what).hinted(source.hint()).with_source(source)
    }
}

impl From<runninghub_transport::Error> for Error {
    fn from(source: runninghub_transport::Error) -> Self {
        let what = say!("the recording cannot be used");
        Self::new(ErrorKind::Recording, what).hinted(source.hint()).with_source(source)
    }
}

/// An error with its causes, each text once: `cannot list the apps: code 401, …: …`. Front ends can word errors of this
/// project; those of other libraries are verbatim.
pub fn sentence_of(error: &(dyn StdError + 'static)) -> Sentence {
    let mut seen = String::new();
    let parts = iter::successors(Some(error), |&error| error.source()).map(|error| {
        let ours = error.downcast_ref().map(Error::sentence);
        ours.or_else(|| error.downcast_ref().map(runninghub_api::Error::sentence))
            .or_else(|| error.downcast_ref().map(runninghub_catalog::Error::sentence))
            .or_else(|| error.downcast_ref().map(runninghub_comfyui::Error::sentence))
            .or_else(|| error.downcast_ref().map(runninghub_core::Error::sentence))
            .or_else(|| error.downcast_ref().map(runninghub_ledger::Error::sentence))
            .or_else(|| error.downcast_ref().map(runninghub_net::Error::sentence))
            .or_else(|| error.downcast_ref().map(runninghub_transport::Error::sentence))
            .unwrap_or_else(|| Sentence::verbatim(error.to_string()))
    });
    Sentence::chain(parts.filter(|part| {
        let part = part.to_string();
        let is_new = !seen.contains(&part);
        seen = format!("{seen}: {part}");
        is_new
    }))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn causes_are_worded_and_each_is_said_once() {
        let (disk, workflow) = ("disk full", runninghub_core::Graph::parse("{}").expect_err("no nodes"));
        let words = |text: &str| match text {
            "the recording cannot be written" => Some("无法保存录制"),
            "the workflow has no nodes" => Some("工作流没有节点"),
            "{what}: {cause}" => Some("{what}：{cause}"),
            _ => None,
        };
        for (error, english, chinese) in [
            (
                Error::new(ErrorKind::Io, say!("the recording cannot be written"))
                    .with_source(io::Error::other(disk)),
                "the recording cannot be written: disk full",
                "无法保存录制：disk full",
            ),
            (
                Error::usage(say!("the recording cannot be written")).with_source(Error::from(workflow)),
                "the recording cannot be written: this workflow cannot be run: the workflow has no nodes",
                "无法保存录制：this workflow cannot be run：工作流没有节点",
            ),
            (
                Error::usage(say!("{why}: no", why = say!("the workflow has no nodes")))
                    .with_source(Error::usage(say!("the workflow has no nodes"))),
                "the workflow has no nodes: no",
                "工作流没有节点: no",
            ),
        ] {
            let sentence = sentence_of(&error);
            assert_eq!(sentence.to_string(), english);
            assert_eq!(sentence.worded(&words), chinese);
        }
    }
}
