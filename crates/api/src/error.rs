//! The crate's one error.

use std::{error::Error as StdError, fmt, io, path::PathBuf, time::Duration};

use runninghub_core::{TaskId, Untrusted};

use crate::{
    Class, Code, CreateOutcome, Retry,
    client::PROXY,
    endpoint::upload::{EMPTY, TOO_LARGE},
    lanes::CA,
};

/// What went wrong, and whether asking again is safe.
///
/// Neither its text nor its `Debug` holds the key, a ticket, or the query of an address.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {kind}")]
pub struct Error {
    /// The call, for example `create`, or the thing that was refused, for example `API key`.
    what: &'static str,
    kind: Box<ErrorKind>,
    is_create: bool,
    retry_after: Option<Duration>,
    /// The task that the answer to a create names all the same.
    task: Option<TaskId>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kinds of [`Error`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A complete answer of the platform with a code that is not success.
    #[error("code {code}{}", Reason(code, message))]
    Api {
        /// The HTTP status, 200 as a rule.
        status: u16,
        /// The code.
        code: Code,
        /// What the platform says about it; may be empty.
        message: Untrusted,
    },
    /// No connection: nothing was sent.
    #[error("no connection")]
    Connect,
    /// The answer is JSON, but not of the expected shape.
    #[error("unexpected answer at `{path}`: {excerpt}")]
    Decode {
        /// Where in the answer, for example `data.taskId`.
        path: Untrusted,
        /// The beginning of the answer.
        excerpt: Untrusted,
    },
    /// A result's address does not answer with the file any more (403, 404 or 410).
    #[error("the link has expired (HTTP {status})")]
    Expired {
        /// The HTTP status.
        status: u16,
    },
    /// An address that must not be fetched: a private host, another scheme, too many redirects.
    #[error("refused to fetch: {reason}")]
    Forbidden {
        /// Why.
        reason: &'static str,
    },
    /// An HTTP status that is no success, without an answer of the platform.
    #[error("HTTP status {status}")]
    Http {
        /// The HTTP status.
        status: u16,
    },
    /// A local file could not be read or written.
    #[error("{}", Untrusted::from(path.to_string_lossy()))]
    Io {
        /// The file or directory.
        path: PathBuf,
    },
    /// The connection broke.
    #[error("the connection broke")]
    Network,
    /// Something else answered: a captive portal, a firewall, an error page.
    #[error("the answer is not the API's{}", Title(title.as_ref()))]
    NotOurApi {
        /// The HTTP status.
        status: u16,
        /// The title of the HTML page.
        title: Option<Untrusted>,
    },
    /// A download that only trickles.
    #[error("slower than {speed} bytes a second for {seconds} s")]
    Slow {
        /// The least speed, bytes a second.
        speed: u64,
        /// For how long it was slower, seconds.
        seconds: u64,
    },
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The certificate or the encryption was not accepted: the handshake failed, and nothing was sent.
    #[error("no trusted encrypted connection")]
    Tls,
    /// Longer than what is read or sent.
    #[error("longer than {limit} bytes")]
    TooLarge {
        /// The limit, bytes.
        limit: u64,
    },
    /// A value of the caller cannot work; nothing was sent.
    #[error("{message}")]
    Usage {
        /// What is wrong with it.
        message: &'static str,
    },
}

impl Error {
    pub(crate) fn new(what: &'static str, kind: ErrorKind) -> Self {
        Self { what, kind: Box::new(kind), is_create: false, retry_after: None, task: None, source: None }
    }

    pub(crate) fn usage(what: &'static str, message: &'static str) -> Self {
        Self::new(what, ErrorKind::Usage { message })
    }

    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::new(what, ErrorKind::Io { path: path.into() }).because(source)
    }

    /// An error of reqwest, whose text would show the address with its query.
    pub(crate) fn transport(what: &'static str, error: reqwest::Error) -> Self {
        let kind = if error.is_builder() {
            ErrorKind::Usage { message: "the request cannot be built" }
        } else if error.is_connect() {
            // Before the request, because it needs the connection: TCP, the tunnel of a proxy, and the handshake. TLS
            // breaks later, too, when the server may have read everything; so the type of the error proves nothing.
            if stems_from::<rustls::Error>(&error) { ErrorKind::Tls } else { ErrorKind::Connect }
        } else if error.is_timeout() {
            ErrorKind::Timeout
        } else {
            ErrorKind::Network
        };
        Self::new(what, kind).because(error.without_url())
    }

    pub(crate) fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(crate) fn of_create(mut self, is_create: bool) -> Self {
        self.is_create = is_create;
        self
    }

    pub(crate) fn after(mut self, retry_after: Option<Duration>) -> Self {
        self.retry_after = retry_after;
        self
    }

    pub(crate) fn naming(mut self, task: Option<TaskId>) -> Self {
        self.task = task;
        self
    }

    /// With more of what the platform says.
    pub(crate) fn saying(mut self, more: &Untrusted) -> Self {
        if let ErrorKind::Api { message, .. } = &mut *self.kind
            && !more.is_empty()
        {
            let joint = if message.is_empty() { "" } else { ": " };
            *message = format!("{}{joint}{}", message.raw(), more.raw()).into();
        }
        self
    }

    /// What happened.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The platform's code, if the platform answered with one.
    pub fn code(&self) -> Option<&Code> {
        match &*self.kind {
            ErrorKind::Api { code, .. } => Some(code),
            _ => None,
        }
    }

    /// The task that the answer to a create names although it is an error. It may exist, and cost money.
    pub fn task(&self) -> Option<&TaskId> {
        self.task.as_ref()
    }

    /// What the platform said, if it said anything.
    pub fn message(&self) -> Option<&Untrusted> {
        match &*self.kind {
            ErrorKind::Api { message, .. } if !message.is_empty() => Some(message),
            _ => None,
        }
    }

    /// Whose trouble it is.
    pub fn class(&self) -> Class {
        match &*self.kind {
            ErrorKind::Api { status, code, .. } => match code.class() {
                Class::Unknown => of_status(*status),
                class => class,
            },
            ErrorKind::Http { status } => of_status(*status),
            ErrorKind::Expired { .. } => Class::NotFound,
            ErrorKind::Usage { .. } => Class::BadRequest,
            _ => Class::Unknown,
        }
    }

    /// Whether the same request may be sent again.
    ///
    /// A rejected key (HTTP 401 with code −1) counts as safe to repeat, except for a create: it has been seen to pass
    /// with a good key. Who repeats on its own has to stop after a few times; [`Error::class`] tells.
    pub fn retry(&self) -> Retry {
        match self.create_outcome() {
            Some(CreateOutcome::Unknown) => Retry::Ambiguous,
            _ if self.is_transient() => Retry::Safe { after: self.wait() },
            _ => Retry::Never,
        }
    }

    /// For an error of a create: whether a task may exist. `None` for every other call.
    ///
    /// Refused needs a proof: nothing of the request was sent, or a complete answer says no and names no task.
    pub fn create_outcome(&self) -> Option<CreateOutcome> {
        if !self.is_create {
            return None;
        }
        let refused = match &*self.kind {
            _ if self.task.is_some() => false,
            ErrorKind::Api { status, code, .. } => code.is_refusal() || matches!(status, 401 | 429),
            ErrorKind::Http { status } => matches!(status, 401 | 429) && self.retry_after.is_some(),
            ErrorKind::Connect | ErrorKind::Tls | ErrorKind::Usage { .. } => true,
            _ => false,
        };
        Some(if refused { CreateOutcome::Refused } else { CreateOutcome::Unknown })
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match &*self.kind {
            ErrorKind::Api { code, .. } => code.hint(),
            ErrorKind::Connect | ErrorKind::Network | ErrorKind::Slow { .. } | ErrorKind::Timeout => {
                Some("check the network, and the proxy in `HTTPS_PROXY` and `NO_PROXY` if there is one")
            }
            ErrorKind::Expired { .. } => Some("links live about a day: ask for the task's outputs again"),
            ErrorKind::Http { status: 401 } => Code::new("401").hint(),
            ErrorKind::Http { status: 413 } if self.what == "upload" => Code::new("809").hint(),
            ErrorKind::NotOurApi { .. } | ErrorKind::Http { .. } => Some(
                "check the base URL; a firewall or the login page of a network may have answered instead",
            ),
            ErrorKind::Tls => {
                Some("check the clock and the system's certificates; some proxies replace certificates")
            }
            ErrorKind::Usage { .. } if self.what == PROXY => {
                Some("a proxy is like `http://127.0.0.1:3128` or `socks5://user:password@host:1080`")
            }
            ErrorKind::Usage { .. } if self.what == CA => {
                Some("it has to hold certificates in PEM, which begin with `-----BEGIN CERTIFICATE-----`")
            }
            ErrorKind::Usage { message } if *message == TOO_LARGE => Code::new("809").hint(),
            ErrorKind::Usage { message } if self.what == "upload" && *message != EMPTY => Some(
                "it takes jpg, jpeg, png, webp, zip, mp3, wav, flac, mp4, avi, mov and mkv, by the name's ending",
            ),
            _ => None,
        }
    }

    fn is_transient(&self) -> bool {
        match &*self.kind {
            ErrorKind::Api { status: 401, code, .. } if code.as_str() == "-1" => !self.is_create,
            ErrorKind::Api { .. } | ErrorKind::Http { .. } => self.class().is_transient(),
            ErrorKind::Connect
            | ErrorKind::Network
            | ErrorKind::NotOurApi { .. }
            | ErrorKind::Slow { .. }
            | ErrorKind::Timeout => true,
            _ => false,
        }
    }

    /// The least time to wait, as the server or the code says.
    pub(crate) fn wait(&self) -> Option<Duration> {
        self.retry_after.or_else(|| self.code()?.wait())
    }
}

/// The class of an HTTP status that came without a code, or with one that says nothing.
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

/// Whether an error of this type is in the chain. `io::Error` hides the error that it wraps from `source()`.
pub(crate) fn stems_from<T: StdError + 'static>(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<T>() {
            return true;
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    false
}

struct Reason<'a>(&'a Code, &'a Untrusted);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(meaning) = self.0.meaning() {
            write!(f, ", {meaning}")?;
        }
        if self.1.is_empty() { Ok(()) } else { write!(f, " ({})", self.1) }
    }
}

struct Title<'a>(Option<&'a Untrusted>);

impl fmt::Display for Title<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |title| write!(f, " but a page titled \"{title}\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(status: u16, code: &str) -> Error {
        Error::new("create", ErrorKind::Api { status, code: Code::new(code), message: "".into() })
    }

    const LISTED: &str = "301 380 412 415 416 421 433 435 436 801 802 803 806 810 811 812 814 901 1001 1002 1003 \
                          1007 1011 1014 1101 1501 1505 1520 1601";

    #[test]
    fn a_create_is_refused_only_by_the_listed_answers() {
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
        let http = |status| Error::new("create", ErrorKind::Http { status });
        for (error, refused) in [
            (api(401, "-1"), true),
            (api(429, "77777"), true),
            (api(500, "77777"), false),
            (http(429), false),
            (http(429).after(wait), true),
            (http(401).after(wait), true),
            (http(503).after(wait), false),
            (Error::new("create", ErrorKind::Connect), true),
            (Error::new("create", ErrorKind::Tls), true),
            (Error::new("create", ErrorKind::Timeout), false),
            (Error::new("create", ErrorKind::Network), false),
            (Error::new("create", ErrorKind::NotOurApi { status: 200, title: None }), false),
            (Error::new("create", ErrorKind::TooLarge { limit: 1 }), false),
            (Error::usage("create", "no id"), true),
        ] {
            let text = format!("{error:?}");
            let expected = if refused { CreateOutcome::Refused } else { CreateOutcome::Unknown };
            assert_eq!(outcome(error), Some(expected), "{text}");
        }
        assert_eq!(api(401, "-1").of_create(true).retry(), Retry::Never);
        assert_eq!(api(429, "7").of_create(true).after(wait).retry(), Retry::Safe { after: wait });
    }

    #[test]
    fn questions_are_asked_again_only_where_it_may_help() {
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
            ErrorKind::Connect,
            ErrorKind::Network,
            ErrorKind::Timeout,
            ErrorKind::NotOurApi { status: 200, title: None },
        ] {
            assert_eq!(Error::new("outputs", kind).retry(), Retry::Safe { after: None });
        }
        assert_eq!(Error::new("outputs", ErrorKind::Tls).retry(), Retry::Never);
        assert_eq!(api(503, "12345").retry(), Retry::Safe { after: None });
        let wait = Some(Duration::from_secs(9));
        assert_eq!(api(200, "1003").after(wait).retry(), Retry::Safe { after: wait });
        for (status, safe) in
            [(307, false), (400, false), (404, false), (408, true), (429, true), (502, true)]
        {
            let error = Error::new("outputs", ErrorKind::Http { status });
            assert_eq!(matches!(error.retry(), Retry::Safe { .. }), safe, "{status}");
        }
    }

    #[test]
    fn an_error_has_a_class_a_message_and_a_hint_of_its_kind() {
        let of = |kind| Error::new("outputs", kind);
        let said = ErrorKind::Api { status: 200, code: Code::new("421"), message: "FULL".into() };
        assert_eq!(of(said).message(), Some(&"FULL".into()));
        assert_eq!((api(200, "421").message(), of(ErrorKind::Connect).message()), (None, None));
        assert_eq!(of(ErrorKind::Expired { status: 403 }).class(), Class::NotFound);
        assert_eq!(Error::usage("create", "no id").class(), Class::BadRequest);
        assert_eq!(of(ErrorKind::Timeout).class(), Class::Unknown);
        let hint = |kind| of(kind).hint().unwrap_or_default();
        for (kind, part) in [
            (ErrorKind::Connect, "proxy"),
            (ErrorKind::Network, "proxy"),
            (ErrorKind::Timeout, "proxy"),
            (ErrorKind::Expired { status: 403 }, "outputs again"),
            (ErrorKind::Http { status: 401 }, "runninghub.cn"),
            (ErrorKind::Http { status: 502 }, "base URL"),
            (ErrorKind::NotOurApi { status: 200, title: None }, "base URL"),
            (ErrorKind::Tls, "certificates"),
        ] {
            let text = format!("{kind:?}");
            assert!(hint(kind).contains(part), "{text}");
        }
        assert!(api(200, "421").hint().is_some_and(|hint| hint.contains("running task")));
        for error in
            [Error::usage("upload", TOO_LARGE), Error::new("upload", ErrorKind::Http { status: 413 })]
        {
            assert!(error.hint().is_some_and(|hint| hint.contains("smaller")), "{error}");
        }
        assert_eq!(Error::usage("upload", EMPTY).hint(), None);
        assert_eq!(Error::new("outputs", ErrorKind::TooLarge { limit: 1 }).hint(), None);
        assert_eq!(Error::usage("create", "no id").hint(), None);
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
            assert_eq!(Error::new("query", ErrorKind::Http { status }).class(), class, "{status}");
        }
    }

    #[test]
    fn a_cause_is_found_also_inside_an_io_error() {
        let inner = io::Error::other(io::Error::other(fmt::Error));
        assert!(stems_from::<fmt::Error>(&inner) && stems_from::<io::Error>(&inner));
        assert!(!stems_from::<std::num::ParseIntError>(&inner));
    }

    #[test]
    fn texts_are_fragments() {
        assert_eq!(api(200, "421").to_string(), "create: code 421, all places of the key are taken");
        let unknown = ErrorKind::Api { status: 200, code: Code::new("9999"), message: "new\nthing".into() };
        assert_eq!(Error::new("query", unknown).to_string(), "query: code 9999 (new\\nthing)");
        let page = ErrorKind::NotOurApi { status: 200, title: Some("Wi-Fi login".into()) };
        assert_eq!(
            Error::new("account", page).to_string(),
            "account: the answer is not the API's but a page titled \"Wi-Fi login\""
        );
        let denied = Error::io("download", "/results", io::Error::from(io::ErrorKind::PermissionDenied));
        assert_eq!(denied.to_string(), "download: /results");
        assert!(denied.source().is_some());
    }
}
