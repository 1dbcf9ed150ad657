//! The one error of this crate.

use std::{error::Error as StdError, fmt};

use runninghub_core::Untrusted;
use runninghub_net::ErrorKind as NetErrorKind;

use crate::Rejected;

/// Something did not work, and with which request.
#[derive(Debug)]
pub struct Error {
    call: &'static str,
    kind: ErrorKind,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What went wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller asked for something that cannot be. Nothing was sent.
    Usage {
        /// What is wrong with it.
        message: &'static str,
    },
    /// Nobody answers at the address. Nothing was sent.
    Unreachable,
    /// The connection broke, or the answer took too long. Whether the request was seen is unknown.
    Lost,
    /// The server wants to know who asks: HTTP 401, 403 or 407.
    Locked {
        /// The HTTP status.
        status: u16,
    },
    /// Something else than a ComfyUI answers: a web page, another service.
    NotComfyUi {
        /// The HTTP status.
        status: u16,
        /// The title of the page, where it is one.
        title: Option<Untrusted>,
    },
    /// Another HTTP error.
    Http {
        /// The HTTP status.
        status: u16,
    },
    /// The server has looked at the prompt and does not run it.
    Rejected(Box<Rejected>),
    /// The answer lacks something, or has it in another shape.
    Unexpected {
        /// Where.
        at: &'static str,
    },
    /// Something else on this machine or on the way: options that cannot be used, a local file that cannot be read, a
    /// response that is longer than any real one.
    Net(NetErrorKind),
}

impl Error {
    pub(crate) fn new(call: &'static str, kind: ErrorKind) -> Self {
        Self { call, kind, source: None }
    }

    pub(crate) fn usage(what: &'static str, message: &'static str) -> Self {
        Self::new(what, ErrorKind::Usage { message })
    }

    /// A request that failed. Where it failed decides: TLS breaks after the request, too.
    pub(crate) fn request(call: &'static str, error: reqwest::Error) -> Self {
        let (_, kind, source) = runninghub_net::Error::request(call, error).into_parts();
        let kind = match kind {
            NetErrorKind::Connect | NetErrorKind::Tls | NetErrorKind::Setup { .. } => ErrorKind::Unreachable,
            _ => ErrorKind::Lost,
        };
        Self { call, kind, source }
    }

    /// What cannot be set up or read here.
    pub(crate) fn net(error: runninghub_net::Error) -> Self {
        let (call, kind, source) = error.into_parts();
        Self { call, kind: ErrorKind::Net(kind), source }
    }

    #[must_use]
    pub(crate) fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// Whether nothing of the request has left this machine, or the server has said that it did not take it: sending it
    /// again cannot run anything twice. Everything else may have run, so this is a list of proofs.
    pub fn is_unsent(&self) -> bool {
        match &self.kind {
            ErrorKind::Usage { .. }
            | ErrorKind::Unreachable
            | ErrorKind::Locked { .. }
            | ErrorKind::Rejected(_) => true,
            // 408: a gateway has waited in vain, perhaps for the server behind it.
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
        write!(f, "{}: ", self.call)?;
        match &self.kind {
            ErrorKind::Usage { message } => f.write_str(message),
            ErrorKind::Unreachable => f.write_str("nobody answers at this address"),
            ErrorKind::Lost => f.write_str("the answer did not come"),
            ErrorKind::Locked { status } => write!(f, "the server wants a login (HTTP {status})"),
            ErrorKind::NotComfyUi { title: Some(title), .. } => {
                write!(f, "a web page answers, `{title}`, and no ComfyUI")
            }
            ErrorKind::NotComfyUi { title: None, status } => {
                write!(f, "what answers is no ComfyUI (HTTP {status})")
            }
            ErrorKind::Http { status } => write!(f, "the server answered with HTTP {status}"),
            ErrorKind::Rejected(rejected) => rejected.fmt(f),
            ErrorKind::Net(kind) => kind.fmt(f),
            ErrorKind::Unexpected { at } => write!(f, "the answer has no usable `{at}`"),
        }
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
            ErrorKind::Usage { message: "no" },
            ErrorKind::Locked { status: 401 },
            http(400),
            http(413),
            http(429),
            foreign(404),
        ] {
            assert!(Error::new("prompt", kind).is_unsent());
        }
        // A page with a success, half an answer, a redirect: the prompt may have been read before.
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
            assert!(!Error::new("prompt", kind).is_unsent(), "{text}");
        }
    }
}
