//! What can go wrong with frames.

use std::{borrow::Cow, error::Error as StdError, io, path::Path};

use runninghub_core::Untrusted;

/// Why frames cannot be had, read or kept.
///
/// The text is a lowercase fragment that names at most a host or a file, never an address with its query or user.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Error {
    kind: ErrorKind,
    what: Cow<'static, str>,
    #[source]
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What an [`Error`] is about.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The address is not a WebSocket address.
    Address,
    /// The address is not encrypted and leads off this machine.
    InsecureAddress,
    /// The address leads to a host that must not be dialled, see [`Hosts`](crate::Hosts).
    ForbiddenHost,
    /// No connection: name not found, refused, unreachable, broken off in the middle of the handshake.
    Connect,
    /// No connection within [`LiveOptions::connect_timeout`](crate::LiveOptions::connect_timeout).
    Timeout,
    /// The proxy's address cannot be used, or the proxy refused.
    Proxy,
    /// No TLS session can be had: no provider, no roots, or a certificate that is not to be trusted.
    Tls,
    /// The server answered, but not with a WebSocket.
    Handshake {
        /// The HTTP status, 101 if only its headers were wrong.
        status: u16,
    },
    /// A ping was not answered, nor did anything else arrive.
    DeadPeer,
    /// The peer broke the protocol, or sent text that is not UTF-8.
    Protocol,
    /// A message is larger than allowed.
    TooLarge,
    /// A line of a tape cannot be read: not a row, cut off, or too long.
    TapeFormat {
        /// The line, from 1.
        line: u64,
    },
    /// The tape or recording was made by a later version.
    TapeVersion {
        /// The format number found.
        format: u64,
    },
    /// There are no more tapes to connect to.
    NoTape,
    /// The folder is not a recording, or one of its files is broken.
    Recording,
    /// Reading or writing failed.
    Io,
}

impl Error {
    /// An error of its own: for sources and connectors outside of this crate.
    pub fn new(kind: ErrorKind, what: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, what: what.into(), source: None }
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Whether the same address would be refused again: it must not be dialled, nobody vouches for its server, or its
    /// ticket has expired.
    pub fn is_final(&self) -> bool {
        match self.kind {
            ErrorKind::Address | ErrorKind::InsecureAddress | ErrorKind::ForbiddenHost | ErrorKind::Tls => {
                true
            }
            // Too early and too often are no refusals.
            ErrorKind::Handshake { status } => {
                matches!(status, 400..=499) && !matches!(status, 408 | 425 | 429)
            }
            _ => false,
        }
    }

    /// What it is about.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub(crate) fn line(line: u64, what: &str) -> Self {
        Self::new(ErrorKind::TapeFormat { line }, format!("line {line} {what}"))
    }

    pub(crate) fn file(path: &Path, what: &str, source: io::Error) -> Self {
        Self::new(ErrorKind::Io, what.to_owned()).with_source(source).in_file(path)
    }

    /// Puts the file's name before the text.
    pub(crate) fn in_file(mut self, path: &Path) -> Self {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        self.what = format!("{}: {}", Untrusted::from(name), self.what).into();
        self
    }
}
