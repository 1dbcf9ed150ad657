//! The error type of this crate.

use std::{error::Error as StdError, fmt};

use runninghub_core::{Sentence, Untrusted, say};
use runninghub_net::ErrorKind as NetErrorKind;

use crate::Rejected;

/// A request failed.
#[derive(Debug)]
pub struct Error {
    /// The input that was rejected; `None` for a failed request.
    what: Option<Sentence>,
    kind: ErrorKind,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kinds of [`Error`].
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Invalid input from the caller. Nothing was sent.
    Usage {
        /// The problem.
        problem: Sentence,
    },
    /// The server cannot be reached. Nothing was sent.
    Unreachable,
    /// The connection broke, or the response timed out. It is unknown whether the server saw the request.
    Lost,
    /// The server requires authentication: HTTP 401, 403 or 407.
    Locked {
        /// The HTTP status.
        status: u16,
    },
    /// The response is not from a ComfyUI: a web page, another service.
    NotComfyUi {
        /// The HTTP status.
        status: u16,
        /// The title of the page, if it is one.
        title: Option<Untrusted>,
    },
    /// The server, or a gateway in front of it, does not accept a file of this size.
    FileTooLarge {
        /// The size of the file, bytes.
        length: u64,
        /// The server's limit, bytes, if it tells one.
        limit: Option<u64>,
    },
    /// Another HTTP error.
    Http {
        /// The HTTP status.
        status: u16,
    },
    /// The server checked the prompt and refused it.
    Rejected(Box<Rejected>),
    /// The response lacks a field, or has it in another format.
    Unexpected {
        /// The position in the response.
        at: &'static str,
    },
    /// Another local or network error: options that cannot be used, a local file that cannot be read, a response
    /// that is longer than any real one.
    Net(NetErrorKind),
}

/// The unit of sizes in messages.
const MB: u64 = 1_000_000;

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self { what: None, kind, source: None }
    }

    pub(crate) fn usage(problem: Sentence) -> Self {
        Self::new(ErrorKind::Usage { problem })
    }

    pub(crate) fn unexpected(at: &'static str) -> Self {
        Self::new(ErrorKind::Unexpected { at })
    }

    /// Names the input that was rejected.
    #[must_use]
    pub(crate) fn about(self, what: Sentence) -> Self {
        Self { what: Some(what), ..self }
    }

    /// A failed request. Its phase decides the kind, because TLS can also break after the request was sent.
    pub(crate) fn request(error: reqwest::Error) -> Self {
        let (what, kind, source) = runninghub_net::Error::request(error).into_parts();
        let kind = match kind {
            NetErrorKind::Tls | NetErrorKind::NotTls => ErrorKind::Net(kind),
            NetErrorKind::Connect | NetErrorKind::Setup { .. } => ErrorKind::Unreachable,
            _ => ErrorKind::Lost,
        };
        Self { what, kind, source }
    }

    /// A local error: a setup or a file that failed.
    pub(crate) fn net(error: runninghub_net::Error) -> Self {
        let (what, kind, source) = error.into_parts();
        Self { what, kind: ErrorKind::Net(kind), source }
    }

    #[must_use]
    pub(crate) fn because(self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..self }
    }

    /// The kind of error.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The error without its causes, as a message.
    pub fn sentence(&self) -> Sentence {
        let cause = match &self.kind {
            ErrorKind::Usage { problem } => problem.clone(),
            ErrorKind::Unreachable => say!("nothing is listening at this URL"),
            ErrorKind::Lost => say!("no response arrived"),
            ErrorKind::Locked { status } => {
                say!("the server requires a login (HTTP {status})", status = *status)
            }
            ErrorKind::NotComfyUi { title: Some(title), .. } => {
                say!("a web page titled `{title}` answered instead of ComfyUI", title)
            }
            ErrorKind::NotComfyUi { title: None, status } => {
                say!("the server is not ComfyUI (HTTP {status})", status = *status)
            }
            ErrorKind::FileTooLarge { length, limit: Some(limit) } => say!(
                "the file has {length} MB, and the server accepts up to {limit} MB",
                length = length.div_ceil(MB),
                limit = limit.div_ceil(MB)
            ),
            ErrorKind::FileTooLarge { length, limit: None } => {
                say!("the file has {length} MB, more than the server accepts", length = length.div_ceil(MB))
            }
            ErrorKind::Http { status } => say!("the server responded with HTTP {status}", status = *status),
            ErrorKind::Rejected(rejected) => rejected.sentence(),
            ErrorKind::Net(kind) => kind.sentence(),
            ErrorKind::Unexpected { at } => say!("the response has no usable `{at}`", at = *at),
        };
        Sentence::chain(self.what.clone().into_iter().chain([cause]))
    }

    /// How the caller can fix it.
    pub fn hint(&self) -> Option<Sentence> {
        Some(match &self.kind {
            ErrorKind::FileTooLarge { .. } => {
                say!("raise the limit of uploads of the server, and of a gateway in front of it")
            }
            ErrorKind::Usage { .. } => say!("a server URL looks like `http://127.0.0.1:8188`"),
            ErrorKind::Unreachable => say!("is ComfyUI running at this URL?"),
            ErrorKind::NotComfyUi { .. } => say!("use the URL that opens ComfyUI in a browser"),
            ErrorKind::Locked { .. } => {
                say!("give the server's login: a user and a password, a token, or a header")
            }
            ErrorKind::Net(NetErrorKind::Tls) => {
                say!(
                    "check the host name; if the server's certificate is self-signed, give it as the CA file"
                )
            }
            ErrorKind::Net(kind) => return kind.hint(),
            _ => return None,
        })
    }

    /// Whether a retry can't run anything twice: no part of the request has left this machine, or the server has stated
    /// that it didn't accept it. In all other cases the prompt may have run, so only proven cases count.
    pub fn is_unsent(&self) -> bool {
        match &self.kind {
            ErrorKind::Usage { .. }
            | ErrorKind::Unreachable
            | ErrorKind::FileTooLarge { .. }
            | ErrorKind::Locked { .. }
            | ErrorKind::Rejected(_) => true,
            // 408: a gateway may have timed out waiting for the server behind it.
            ErrorKind::Http { status } | ErrorKind::NotComfyUi { status, .. } => {
                (400..500).contains(status) && *status != 408
            }
            ErrorKind::Net(kind) => kind.is_unsent(),
            ErrorKind::Lost | ErrorKind::Unexpected { .. } => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sentence().fmt(f)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_unsent_only_by_proof() {
        let foreign = |status| ErrorKind::NotComfyUi { status, title: None };
        let http = |status| ErrorKind::Http { status };
        for kind in [
            ErrorKind::Unreachable,
            ErrorKind::Usage { problem: Sentence::verbatim("no") },
            ErrorKind::Locked { status: 401 },
            http(400),
            http(413),
            http(429),
            foreign(404),
        ] {
            assert!(Error::new(kind).is_unsent());
        }
        // A page with a success status, half a response, a redirect: the server may have read the prompt before.
        for kind in [
            ErrorKind::Lost,
            ErrorKind::Net(NetErrorKind::TooLarge { limit: 1 }),
            ErrorKind::Unexpected { at: "prompt_id" },
            foreign(200),
            foreign(302),
            http(408),
            http(500),
            http(502),
        ] {
            let text = format!("{kind:?}");
            assert!(!Error::new(kind).is_unsent(), "{text}");
        }
    }
}
