//! The error type of this crate.

use std::{io, path::PathBuf, time::Duration};

use runninghub_core::{NodeError, Sentence, TaskId, Untrusted, say};
use runninghub_net::ErrorKind as NetErrorKind;

use crate::{Class, Code, CreateOutcome, Retry};

/// A failed call, and whether a retry is safe.
///
/// Neither its text nor its `Debug` contains the key, a ticket, or the query of a URL.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct Error {
    /// The input that was rejected, for example `API key`; `None` for a failed request.
    what: Option<Sentence>,
    kind: Box<ErrorKind>,
    is_create: bool,
    retry_after: Option<Duration>,
    /// The task named in the response to a create despite the error.
    task: Option<TaskId>,
    hint: Option<Box<Sentence>>,
    source: Option<runninghub_net::Source>,
}

/// The kinds of [`Error`].
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A complete response from the platform with a code other than success.
    Api {
        /// The HTTP status, usually 200.
        status: u16,
        /// The code.
        code: Code,
        /// The platform's message; may be empty.
        message: Untrusted,
        /// The errors of nodes, for a workflow that was refused.
        nodes: Vec<NodeError>,
    },
    /// The response is JSON, but not of the expected structure.
    Decode {
        /// The position in the response, for example `data.taskId`.
        path: Untrusted,
        /// The beginning of the response.
        excerpt: Untrusted,
    },
    /// An HTTP status other than success, without a response from the platform.
    Http {
        /// The HTTP status.
        status: u16,
    },
    /// An error of the network or of a local file.
    Net(NetErrorKind),
    /// The response is from something else: a captive portal, a firewall, an error page.
    NotOurApi {
        /// The HTTP status.
        status: u16,
        /// The title of the HTML page.
        title: Option<Untrusted>,
    },
    /// Invalid input from the caller; nothing was sent.
    Usage {
        /// The problem.
        problem: Sentence,
    },
}

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self {
            what: None,
            kind: Box::new(kind),
            is_create: false,
            retry_after: None,
            task: None,
            hint: None,
            source: None,
        }
    }

    pub(crate) fn usage(problem: Sentence) -> Self {
        Self::new(ErrorKind::Usage { problem })
    }

    pub(crate) fn io(path: impl Into<PathBuf>, source: io::Error) -> Self {
        runninghub_net::Error::io(path, source).into()
    }

    pub(crate) fn request(error: reqwest::Error) -> Self {
        runninghub_net::Error::request(error).into()
    }

    /// Names the input that was rejected.
    pub(crate) fn about(self, what: Sentence) -> Self {
        Self { what: Some(what), ..self }
    }

    pub(crate) fn hinting(self, hint: Option<Sentence>) -> Self {
        Self { hint: hint.map(Box::new), ..self }
    }

    pub(crate) fn because(self, source: impl Into<runninghub_net::Source>) -> Self {
        Self { source: Some(source.into()), ..self }
    }

    pub(crate) fn of_create(self, is_create: bool) -> Self {
        Self { is_create, ..self }
    }

    pub(crate) fn after(self, retry_after: Option<Duration>) -> Self {
        Self { retry_after, ..self }
    }

    pub(crate) fn naming(self, task: Option<TaskId>) -> Self {
        Self { task, ..self }
    }

    pub(crate) fn of_nodes(mut self, more: Vec<NodeError>) -> Self {
        if let ErrorKind::Api { nodes, .. } = &mut *self.kind {
            nodes.extend(more);
        }
        self
    }

    /// Appends to the platform's message.
    pub(crate) fn saying(mut self, more: &Untrusted) -> Self {
        if let ErrorKind::Api { message, .. } = &mut *self.kind
            && !more.is_empty()
        {
            let joint = if message.is_empty() { "" } else { ": " };
            *message = format!("{}{joint}{}", message.raw(), more.raw()).into();
        }
        self
    }

    /// The kind of error.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The platform's code, if the response has one.
    pub fn code(&self) -> Option<&Code> {
        match &*self.kind {
            ErrorKind::Api { code, .. } => Some(code),
            _ => None,
        }
    }

    /// The task that the response to a create names although it is an error. It may exist, and cost money.
    pub fn task(&self) -> Option<&TaskId> {
        self.task.as_ref()
    }

    /// The platform's message, if there is one.
    pub fn message(&self) -> Option<&Untrusted> {
        match &*self.kind {
            ErrorKind::Api { message, .. } if !message.is_empty() => Some(message),
            _ => None,
        }
    }

    /// The errors of nodes, for a workflow that was refused.
    pub fn node_errors(&self) -> &[NodeError] {
        match &*self.kind {
            ErrorKind::Api { nodes, .. } => nodes,
            _ => &[],
        }
    }

    /// The class of the error.
    pub fn class(&self) -> Class {
        match &*self.kind {
            ErrorKind::Api { status, code, message, .. } => match code.meant_by(message).class() {
                Class::Unknown => of_status(*status),
                class => class,
            },
            ErrorKind::Http { status } => of_status(*status),
            ErrorKind::Usage { .. } => Class::BadRequest,
            _ => Class::Unknown,
        }
    }

    /// Whether everything that the key submits will be refused until the user acts; see [`Code::refuses_key`].
    pub fn refuses_key(&self) -> bool {
        match &*self.kind {
            ErrorKind::Api { code, message, .. } => code.meant_by(message).refuses_key(),
            _ => false,
        }
    }

    /// Whether the same request may be sent again.
    ///
    /// A rejected key (HTTP 401 with code −1) counts as safe to retry, except for a create: valid keys have been
    /// rejected temporarily. A caller with its own retries has to stop after a few attempts; see [`Error::class`].
    pub fn retry(&self) -> Retry {
        match self.create_outcome() {
            Some(CreateOutcome::Unknown) => Retry::Ambiguous,
            _ if self.is_transient() => Retry::Safe { after: self.wait() },
            _ => Retry::Never,
        }
    }

    /// For an error of a create: whether a task may exist. `None` for every other call.
    ///
    /// `Refused` requires proof: no part of the request was sent, or a complete response refuses it and names no
    /// task.
    pub fn create_outcome(&self) -> Option<CreateOutcome> {
        if !self.is_create {
            return None;
        }
        let refused = match &*self.kind {
            _ if self.task.is_some() => false,
            ErrorKind::Api { status, code, .. } => code.is_refusal() || matches!(status, 401 | 429),
            ErrorKind::Http { status } => matches!(status, 401 | 429) && self.retry_after.is_some(),
            ErrorKind::Net(kind) => kind.is_unsent(),
            ErrorKind::Usage { .. } => true,
            _ => false,
        };
        Some(if refused { CreateOutcome::Refused } else { CreateOutcome::Unknown })
    }

    /// The error without its causes, as a message.
    pub fn sentence(&self) -> Sentence {
        Sentence::chain(self.what.clone().into_iter().chain([self.kind.sentence()]))
    }

    /// How the caller can fix it.
    pub fn hint(&self) -> Option<Sentence> {
        match &*self.kind {
            _ if self.hint.is_some() => self.hint.as_deref().cloned(),
            ErrorKind::Api { code, message, .. } => code.meant_by(message).hint(),
            ErrorKind::Http { status: 401 } => Code::new("401").hint(),
            ErrorKind::NotOurApi { .. } | ErrorKind::Http { .. } => {
                Some(say!("check the base URL; a firewall or a network login page may have answered instead"))
            }
            ErrorKind::Net(kind) => kind.hint(),
            _ => None,
        }
    }

    fn is_transient(&self) -> bool {
        match &*self.kind {
            ErrorKind::Api { status: 401, code, .. } if code.as_str() == "-1" => !self.is_create,
            ErrorKind::Api { .. } | ErrorKind::Http { .. } => self.class().is_transient(),
            ErrorKind::Net(kind) => kind.is_transient(),
            ErrorKind::NotOurApi { .. } => true,
            _ => false,
        }
    }

    /// The minimum delay, from the server or from the code.
    pub(crate) fn wait(&self) -> Option<Duration> {
        self.retry_after.or_else(|| self.code()?.wait())
    }
}

impl From<runninghub_net::Error> for Error {
    fn from(error: runninghub_net::Error) -> Self {
        let (what, kind, source) = error.into_parts();
        Self { what, source, ..Self::new(ErrorKind::Net(kind)) }
    }
}

/// The class of an HTTP status without a code, or with one that has no meaning.
fn of_status(status: u16) -> Class {
    match status {
        401 | 403 => Class::Auth,
        404 | 410 => Class::NotFound,
        408 | 500..=599 => Class::Server,
        429 => Class::Capacity,
        400..=499 => Class::BadRequest,
        _ => Class::Unknown,
    }
}

impl ErrorKind {
    /// The kind as a message.
    pub fn sentence(&self) -> Sentence {
        match self {
            Self::Api { code, message, .. } => match (code.meant_by(message).meaning(), message.is_empty()) {
                (None, true) => say!("code {code}", code),
                (None, false) => say!("code {code} ({message})", code, message),
                (Some(meaning), true) => say!("code {code}, {meaning}", code, meaning),
                (Some(meaning), false) => {
                    say!("code {code}, {meaning} ({message})", code, meaning, message)
                }
            },
            Self::Decode { path, excerpt } => {
                say!("unexpected response at `{path}`: {excerpt}", path, excerpt)
            }
            Self::Http { status } => say!("HTTP status {status}", status = *status),
            Self::Net(kind) => kind.sentence(),
            Self::NotOurApi { title: None, .. } => say!("the response is not from the API"),
            Self::NotOurApi { title: Some(title), .. } => {
                say!("the response is not from the API: it is a web page titled \"{title}\"", title)
            }
            Self::Usage { problem } => problem.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(status: u16, code: &str) -> Error {
        Error::new(ErrorKind::Api { status, code: Code::new(code), message: "".into(), nodes: Vec::new() })
    }

    const LISTED: &str = "301 380 412 415 416 421 433 435 436 801 802 803 806 810 811 812 814 901 1001 1002 1003 \
                          1007 1011 1014 1101 1501 1505 1520 1601";

    #[test]
    fn a_create_is_refused_only_by_the_listed_responses() {
        for code in (-1..2000).map(|code| code.to_string()) {
            let listed = LISTED.split(' ').any(|listed| listed == code);
            let error = api(200, &code).of_create(true);
            let expected = if listed { CreateOutcome::Refused } else { CreateOutcome::Unknown };
            assert_eq!(error.create_outcome(), Some(expected), "{code}");
            let again = ["415", "421", "814", "1003", "1011", "1520"].contains(&code.as_str());
            match error.retry() {
                Retry::Ambiguous => assert!(!listed, "{code}"),
                Retry::Safe { after } => assert!(again && after.is_some(), "{code}"),
                Retry::Never => assert!(listed && !again, "{code}"),
            }
        }
    }

    #[test]
    fn a_create_by_http_status_and_by_kind() {
        let outcome = |error: Error| error.of_create(true).create_outcome();
        let wait = Some(Duration::from_secs(2));
        let http = |status| Error::new(ErrorKind::Http { status });
        let net = |kind| Error::new(ErrorKind::Net(kind));
        for (error, refused) in [
            (api(401, "-1"), true),
            (api(429, "77777"), true),
            (api(500, "77777"), false),
            (http(429), false),
            (http(429).after(wait), true),
            (http(401).after(wait), true),
            (http(503).after(wait), false),
            (net(NetErrorKind::Connect), true),
            (net(NetErrorKind::Tls), true),
            (net(NetErrorKind::Setup { problem: Sentence::verbatim("no roots") }), true),
            (net(NetErrorKind::Timeout), false),
            (net(NetErrorKind::Network), false),
            (Error::new(ErrorKind::NotOurApi { status: 200, title: None }), false),
            (net(NetErrorKind::TooLarge { limit: 1 }), false),
            (Error::usage(Sentence::verbatim("no id")), true),
        ] {
            let text = format!("{error:?}");
            let expected = if refused { CreateOutcome::Refused } else { CreateOutcome::Unknown };
            assert_eq!(outcome(error), Some(expected), "{text}");
        }
        assert_eq!(api(401, "-1").of_create(true).retry(), Retry::Never);
        assert_eq!(api(429, "7").of_create(true).after(wait).retry(), Retry::Safe { after: wait });
    }

    #[test]
    fn requests_are_retried_only_where_it_may_help() {
        let safe = "415 421 500 808 814 1000 1003 1005 1006 1010 1011 1012 1520";
        for code in (-1..2000).map(|code| code.to_string()) {
            let expected = safe.split(' ').any(|safe| safe == code);
            assert_eq!(matches!(api(200, &code).retry(), Retry::Safe { .. }), expected, "{code}");
            assert_eq!(api(200, &code).create_outcome(), None);
        }
        assert_eq!(api(401, "-1").retry(), Retry::Safe { after: None });
        assert_eq!(api(401, "1601").retry(), Retry::Never);
        assert_eq!(api(401, "7").retry(), Retry::Never);
        for kind in [
            ErrorKind::Net(NetErrorKind::Connect),
            ErrorKind::Net(NetErrorKind::Network),
            ErrorKind::Net(NetErrorKind::Timeout),
            ErrorKind::NotOurApi { status: 200, title: None },
        ] {
            assert_eq!(Error::new(kind).retry(), Retry::Safe { after: None });
        }
        assert_eq!(Error::new(ErrorKind::Net(NetErrorKind::Tls)).retry(), Retry::Never);
        assert_eq!(api(503, "12345").retry(), Retry::Safe { after: None });
        let wait = Some(Duration::from_secs(9));
        assert_eq!(api(200, "1003").after(wait).retry(), Retry::Safe { after: wait });
        for (status, safe) in
            [(307, false), (400, false), (404, false), (408, true), (429, true), (502, true)]
        {
            let error = Error::new(ErrorKind::Http { status });
            assert_eq!(matches!(error.retry(), Retry::Safe { .. }), safe, "{status}");
        }
    }

    #[test]
    fn an_error_has_a_class_a_message_and_a_hint_of_its_kind() {
        let of = |kind| Error::new(kind);
        let full =
            ErrorKind::Api { status: 200, code: Code::new("421"), message: "FULL".into(), nodes: Vec::new() };
        assert_eq!(of(full).message(), Some(&"FULL".into()));
        assert_eq!(
            (api(200, "421").message(), of(ErrorKind::Net(NetErrorKind::Connect)).message()),
            (None, None)
        );
        assert_eq!(Error::usage(Sentence::verbatim("no id")).class(), Class::BadRequest);
        assert_eq!(of(ErrorKind::Net(NetErrorKind::Timeout)).class(), Class::Unknown);
        let hint = |kind| of(kind).hint().map(|hint| hint.to_string()).unwrap_or_default();
        for (kind, part) in [
            (ErrorKind::Net(NetErrorKind::Connect), "proxy"),
            (ErrorKind::Http { status: 401 }, "runninghub.cn"),
            (ErrorKind::Http { status: 502 }, "base URL"),
            (ErrorKind::NotOurApi { status: 200, title: None }, "base URL"),
        ] {
            let text = format!("{kind:?}");
            assert!(hint(kind).contains(part), "{text}");
        }
        assert!(api(200, "421").hint().is_some_and(|hint| hint.to_string().contains("running task")));
        let own = Error::usage(Sentence::verbatim("too large")).hinting(Some(Sentence::verbatim("cut it")));
        assert_eq!(own.hint(), Some(Sentence::verbatim("cut it")));
        assert_eq!(Error::usage(Sentence::verbatim("no id")).hint(), None);
    }

    #[test]
    fn a_key_of_the_other_site_is_not_a_wrong_parameter() {
        let error_with = |code: &str, message: &str| {
            let kind = ErrorKind::Api {
                status: 200,
                code: Code::new(code),
                message: message.into(),
                nodes: Vec::new(),
            };
            Error::new(kind)
        };
        for (code, message) in [
            ("301", "user not exist"),
            ("301", "USER_NOT_EXIST"),
            ("301", "用户不存在"),
            ("332", "USER_DOES_NOT_EXIST"),
        ] {
            let error = error_with(code, message);
            assert_eq!(error.class(), Class::Auth, "{message}");
            assert_eq!(error.code().map(Code::as_str), Some(code));
            assert!(error.to_string().contains("does not exist on this site"), "{error}");
            // 332 is not on the list of proofs.
            assert_eq!(error.refuses_key(), code == "301");
            assert!(error.hint().is_some_and(|hint| hint.to_string().contains("runninghub.ai")));
        }
        assert_eq!(error_with("301", "PARAMS_INVALID").class(), Class::BadRequest);
        assert!(!error_with("301", "PARAMS_INVALID").refuses_key());
    }

    #[test]
    fn a_status_has_a_class() {
        for (status, class) in [
            (200, Class::Unknown),
            (307, Class::Unknown),
            (400, Class::BadRequest),
            (401, Class::Auth),
            (403, Class::Auth),
            (404, Class::NotFound),
            (408, Class::Server),
            (410, Class::NotFound),
            (418, Class::BadRequest),
            (429, Class::Capacity),
            (500, Class::Server),
            (599, Class::Server),
        ] {
            assert_eq!(Error::new(ErrorKind::Http { status }).class(), class, "{status}");
        }
    }

    #[test]
    fn texts_are_fragments() {
        assert_eq!(api(200, "421").to_string(), "code 421, the key has no free task slots");
        let unknown = ErrorKind::Api {
            status: 200,
            code: Code::new("9999"),
            message: "new\nthing".into(),
            nodes: Vec::new(),
        };
        assert_eq!(Error::new(unknown).to_string(), "code 9999 (new\\nthing)");
        let page = ErrorKind::NotOurApi { status: 200, title: Some("Wi-Fi login".into()) };
        assert_eq!(
            Error::new(page).to_string(),
            "the response is not from the API: it is a web page titled \"Wi-Fi login\""
        );
        let denied = Error::io("/results", io::Error::from(io::ErrorKind::PermissionDenied));
        assert_eq!(denied.to_string(), "/results");
        assert!(denied.source.is_some());
    }
}
