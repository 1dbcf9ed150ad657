//! The error type of this crate.

use std::{error::Error as StdError, io, path::PathBuf, time::Duration};

use runninghub_core::{Sentence, say};

/// An error of the network or of the disk.
///
/// Neither its text nor its `Debug` contains a proxy's password or the query of a URL.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct Error {
    /// The input or setting that cannot be used; `None` for a failed request.
    what: Option<Sentence>,
    kind: ErrorKind,
    retry_after: Option<Duration>,
    source: Option<Source>,
}

/// The cause of an error.
pub type Source = Box<dyn StdError + Send + Sync>;

/// The kinds of [`Error`].
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The certificate file cannot be used.
    CaFile {
        /// The problem.
        problem: Sentence,
    },
    /// Connecting failed: nothing was sent.
    Connect,
    /// A file's URL no longer works (403, 404 or 410).
    Expired {
        /// The HTTP status.
        status: u16,
    },
    /// A URL that must not be requested: a private host, another scheme, too many redirects.
    Forbidden {
        /// The reason.
        reason: Sentence,
    },
    /// The disk lacks the room for a file.
    Full {
        /// The number of missing bytes; 0 if the file's length is not known.
        needed: u64,
        /// The number of free bytes.
        free: u64,
    },
    /// An HTTP status other than success.
    Http {
        /// The HTTP status.
        status: u16,
    },
    /// A local file could not be read or written.
    Io {
        /// The file or directory.
        path: PathBuf,
    },
    /// The connection broke.
    Network,
    /// The server does not speak TLS at this port: nothing was sent.
    NotTls,
    /// The response is a web page instead of a file.
    Page,
    /// The proxy's URL cannot be used.
    Proxy {
        /// The problem.
        problem: Sentence,
    },
    /// The proxy did not connect to a socket's server.
    ProxyRefused {
        /// The proxy's host.
        host: String,
    },
    /// The request cannot be built: there is no TLS provider, or a value cannot be sent.
    Setup {
        /// The problem.
        problem: Sentence,
    },
    /// A download was too slow.
    Slow {
        /// The minimum speed, bytes a second.
        speed: u64,
        /// How long it was slower, seconds.
        seconds: u64,
    },
    /// The response timed out.
    Timeout,
    /// The certificate or the encryption was not accepted, or the system has no certificates: nothing was sent.
    Tls,
    /// The response exceeds the limit.
    TooLarge {
        /// The limit, bytes.
        limit: u64,
    },
}

impl Error {
    /// Creates an error of this kind.
    pub fn new(kind: ErrorKind) -> Self {
        Self { what: None, kind, retry_after: None, source: None }
    }

    /// Creates an error of the file system.
    pub fn io(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::new(ErrorKind::Io { path: path.into() }).because(source)
    }

    /// Classifies a failed request. reqwest's own text would contain the URL with its query.
    pub fn request(error: reqwest::Error) -> Self {
        let kind = if stems_from::<Private>(&error) {
            ErrorKind::Forbidden { reason: PRIVATE }
        } else if error.is_builder() {
            ErrorKind::Setup { problem: say!("the request cannot be built") }
        } else if error.is_connect() {
            // Before the request, because it needs the connection: TCP, the tunnel of a proxy, and the handshake.
            // TLS can also break later, when the server may have read everything; so the type of the error proves
            // nothing.
            let is_plain = |error: &(dyn StdError + 'static)| error.downcast_ref() == Some(&PLAIN);
            match stems_from::<rustls::Error>(&error) {
                true if has_cause(&error, is_plain) => ErrorKind::NotTls,
                true => ErrorKind::Tls,
                false => ErrorKind::Connect,
            }
        } else if error.is_timeout() {
            ErrorKind::Timeout
        } else {
            ErrorKind::Network
        };
        Self::new(kind).because(error.without_url())
    }

    /// Names the input or setting that cannot be used.
    pub(crate) fn about(self, what: Sentence) -> Self {
        Self { what: Some(what), ..self }
    }

    pub(crate) fn because(self, source: impl Into<Source>) -> Self {
        Self { source: Some(source.into()), ..self }
    }

    pub(crate) fn after(self, retry_after: Option<Duration>) -> Self {
        Self { retry_after, ..self }
    }

    /// The kind of error.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The error without its causes, as a message.
    pub fn sentence(&self) -> Sentence {
        Sentence::chain(self.what.clone().into_iter().chain([self.kind.sentence()]))
    }

    /// How the caller can fix it.
    pub fn hint(&self) -> Option<Sentence> {
        self.kind.hint()
    }

    /// The pause requested by the server before a retry.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The input that cannot be used, the kind and the cause: to convert it into another crate's error.
    pub fn into_parts(self) -> (Option<Sentence>, ErrorKind, Option<Source>) {
        (self.what, self.kind, self.source)
    }
}

impl ErrorKind {
    /// The kind as a message.
    pub fn sentence(&self) -> Sentence {
        match self {
            Self::CaFile { problem } | Self::Proxy { problem } | Self::Setup { problem } => problem.clone(),
            Self::Connect => say!("no connection"),
            Self::Expired { status } => say!("the link has expired (HTTP {status})", status = *status),
            Self::Forbidden { reason } => say!("refused to download: {reason}", reason),
            Self::Full { needed: 0, free } => {
                say!("the disk is nearly full: {free} MB are free", free = megabytes(*free))
            }
            Self::Full { needed, free } => say!(
                "not enough disk space: {needed} MB are needed, {free} MB are free",
                needed = megabytes(*needed).max(1),
                free = megabytes(*free)
            ),
            Self::Http { status } => say!("HTTP status {status}", status = *status),
            Self::Io { path } => Sentence::verbatim(path.to_string_lossy()),
            Self::Network => say!("the connection broke"),
            Self::NotTls => say!("the server does not use TLS at this port"),
            Self::Page => say!("the server sent a web page instead of the file"),
            Self::ProxyRefused { host } => say!("no connection through the proxy {host}", host),
            Self::Slow { speed, seconds } => {
                say!(
                    "slower than {speed} bytes per second for {seconds} s",
                    speed = *speed,
                    seconds = *seconds
                )
            }
            Self::Timeout => say!("the request timed out"),
            Self::Tls => say!("the TLS connection could not be trusted"),
            Self::TooLarge { limit } => say!("more than {limit} bytes", limit = *limit),
        }
    }

    /// Whether this proves that no part of the request left this machine.
    pub fn is_unsent(&self) -> bool {
        matches!(
            self,
            Self::CaFile { .. }
                | Self::Connect
                | Self::Forbidden { .. }
                | Self::NotTls
                | Self::Proxy { .. }
                | Self::ProxyRefused { .. }
                | Self::Setup { .. }
                | Self::Tls
        )
    }

    /// Whether the same request may succeed a moment later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Http { status } => matches!(status, 408 | 429 | 500..=599),
            Self::Connect | Self::Network | Self::Page | Self::Slow { .. } | Self::Timeout => true,
            _ => false,
        }
    }

    /// How the caller can fix it.
    pub fn hint(&self) -> Option<Sentence> {
        Some(match self {
            Self::CaFile { .. } => {
                let begin = "-----BEGIN CERTIFICATE-----";
                say!("it must contain PEM certificates, which begin with `{begin}`", begin)
            }
            Self::Connect | Self::Network | Self::Slow { .. } | Self::Timeout => {
                say!("check the network connection and any proxy in `HTTPS_PROXY` and `NO_PROXY`")
            }
            Self::Full { .. } => say!("free some space, or use a folder on another disk"),
            Self::Expired { .. } => say!("links expire after about a day: request the task's outputs again"),
            Self::Proxy { .. } => {
                say!("a proxy URL looks like `http://127.0.0.1:3128` or `socks5://user:password@host:1080`")
            }
            Self::NotTls => say!("check the port, and whether the URL begins with `http://`"),
            Self::Tls => {
                say!(
                    "check the clock; if a proxy or gateway uses its own certificate, give it as the CA file"
                )
            }
            _ => return None,
        })
    }
}

fn megabytes(bytes: u64) -> u64 {
    bytes / 1_000_000
}

/// The name of file requests in errors.
/// The response of a server without TLS to a handshake.
const PLAIN: rustls::Error = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
/// The reason for refusing a private address.
pub(crate) const PRIVATE: Sentence = say!("the URL points to a private address");

/// Whether a connection was refused because nothing listens there: the server is down, or only starting.
pub fn is_not_listening(error: &(dyn StdError + 'static)) -> bool {
    let refused = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    has_cause(error, |error| error.downcast_ref().is_some_and(refused))
}

/// A name was not resolved because its address is private.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to private addresses only")]
pub(crate) struct Private;

/// Whether the chain contains an error of this type.
pub(crate) fn stems_from<T: StdError + 'static>(error: &(dyn StdError + 'static)) -> bool {
    has_cause(error, <dyn StdError>::is::<T>)
}

/// Whether an error or one of its causes is of this type. `io::Error` hides the error that it wraps from `source()`.
fn has_cause(error: &(dyn StdError + 'static), is_it: impl Fn(&(dyn StdError + 'static)) -> bool) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if is_it(error) {
            return true;
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    #[test]
    fn a_cause_is_found_also_inside_an_io_error() {
        let inner = io::Error::other(io::Error::other(fmt::Error));
        assert!(stems_from::<fmt::Error>(&inner) && stems_from::<io::Error>(&inner));
        assert!(!stems_from::<std::num::ParseIntError>(&inner));
    }

    /// Every kind, with whether it is unsent, whether it is transient, and a word of its hint.
    #[test]
    fn every_kind_has_its_proof_its_retry_and_its_hint() {
        let problem = Sentence::verbatim("x");
        for (kind, unsent, transient, hint) in [
            (ErrorKind::CaFile { problem: problem.clone() }, true, false, "PEM"),
            (ErrorKind::Connect, true, true, "NO_PROXY"),
            (ErrorKind::Expired { status: 403 }, false, false, "outputs again"),
            (ErrorKind::Forbidden { reason: problem.clone() }, true, false, ""),
            (ErrorKind::Http { status: 307 }, false, false, ""),
            (ErrorKind::Http { status: 404 }, false, false, ""),
            (ErrorKind::Http { status: 408 }, false, true, ""),
            (ErrorKind::Http { status: 429 }, false, true, ""),
            (ErrorKind::Http { status: 502 }, false, true, ""),
            (ErrorKind::Io { path: "x".into() }, false, false, ""),
            (ErrorKind::Network, false, true, "NO_PROXY"),
            (ErrorKind::NotTls, true, false, "http://"),
            (ErrorKind::Page, false, true, ""),
            (ErrorKind::Proxy { problem: problem.clone() }, true, false, "socks5"),
            (ErrorKind::ProxyRefused { host: "h".into() }, true, false, ""),
            (ErrorKind::Setup { problem }, true, false, ""),
            (ErrorKind::Slow { speed: 1, seconds: 1 }, false, true, "NO_PROXY"),
            (ErrorKind::Timeout, false, true, "NO_PROXY"),
            (ErrorKind::Tls, true, false, "CA file"),
            (ErrorKind::TooLarge { limit: 1 }, false, false, ""),
        ] {
            assert_eq!((kind.is_unsent(), kind.is_transient()), (unsent, transient), "{kind:?}");
            assert_eq!(kind.hint().is_some(), !hint.is_empty(), "{kind:?}");
            assert!(kind.hint().is_none_or(|found| found.to_string().contains(hint)), "{kind:?}");
        }
    }

    #[test]
    fn texts_are_fragments() {
        let denied = Error::io("/results", io::ErrorKind::PermissionDenied.into());
        assert_eq!(denied.to_string(), "/results");
        assert!(denied.source().is_some());
        let old = Error::new(ErrorKind::Expired { status: 404 });
        assert_eq!(old.to_string(), "the link has expired (HTTP 404)");
    }
}
