//! The error type of this crate.

use std::{error::Error as StdError, io, path::Path};

use runninghub_core::{Sentence, say};

/// The reason why frames can't be received, read or stored.
///
/// The text is a lowercase fragment that names at most a host or a file, never a URL with its query or user.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Error {
    kind: ErrorKind,
    what: Sentence,
    #[source]
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kind of an [`Error`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The URL isn't a WebSocket URL.
    Address,
    /// The URL isn't encrypted and leads to another machine.
    InsecureAddress,
    /// The URL leads to a host that must not be dialed, see [`Hosts`](crate::Hosts).
    ForbiddenHost,
    /// No connection: name not found, connection refused, host unreachable, or connection closed during the handshake.
    Connect,
    /// No connection within [`LiveOptions::connect_timeout`](crate::LiveOptions::connect_timeout).
    Timeout,
    /// The proxy's URL is invalid, or the proxy refused the connection.
    Proxy,
    /// No TLS session: no provider, no roots, or an untrusted certificate.
    Tls,
    /// The server responded, but not with a WebSocket.
    Handshake {
        /// The HTTP status; 101 if only the headers were wrong.
        status: u16,
    },
    /// No pong and no other message arrived after a ping.
    DeadPeer,
    /// The peer violated the protocol, or sent text that isn't UTF-8.
    Protocol,
    /// A message exceeds the size limit.
    TooLarge,
    /// A line of a tape can't be parsed: not a row, truncated, or too long.
    TapeFormat {
        /// The line, from 1.
        line: u64,
    },
    /// The tape or recording was made by a newer version.
    TapeVersion {
        /// The format number found.
        format: u64,
    },
    /// No tapes are left to play.
    NoTape,
    /// The folder isn't a recording, or one of its files is damaged.
    Recording,
    /// Reading or writing failed.
    Io,
}

impl Error {
    /// Creates an error: for sources and connectors outside of this crate.
    pub fn new(kind: ErrorKind, what: Sentence) -> Self {
        Self { kind, what, source: None }
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..self }
    }

    /// Whether a retry with the same URL would fail again: it must not be dialed, its server isn't trusted, or its
    /// ticket has expired.
    pub fn is_final(&self) -> bool {
        match self.kind {
            ErrorKind::Address | ErrorKind::InsecureAddress | ErrorKind::ForbiddenHost | ErrorKind::Tls => {
                true
            }
            // Too early, timeout and too many requests are temporary.
            ErrorKind::Handshake { status } => {
                matches!(status, 400..=499) && !matches!(status, 408 | 425 | 429)
            }
            _ => false,
        }
    }

    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The error without its causes, as a message.
    pub fn sentence(&self) -> Sentence {
        self.what.clone()
    }

    /// How the caller can fix it.
    pub fn hint(&self) -> Option<Sentence> {
        Some(match self.kind {
            ErrorKind::TapeFormat { line } if line > 1 => {
                say!("the lines before line {line} can be replayed: delete that line and the rest", line)
            }
            ErrorKind::TapeVersion { .. } => say!("update to a version that reads it"),
            _ => return None,
        })
    }

    pub(crate) fn line(line: u64, problem: Sentence) -> Self {
        Self::new(ErrorKind::TapeFormat { line }, say!("line {line} {problem}", line, problem))
    }

    pub(crate) fn file(path: &Path, what: Sentence, source: io::Error) -> Self {
        Self::new(ErrorKind::Io, what).with_source(source).in_file(path)
    }

    /// Prefixes the text with the file's name.
    pub(crate) fn in_file(self, path: &Path) -> Self {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        Self { what: say!("{what}: {cause}", what = name, cause = self.what), ..self }
    }
}
