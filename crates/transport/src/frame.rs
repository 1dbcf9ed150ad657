//! One message of a socket.

use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;

/// A message with its arrival time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Frame {
    /// Time since the source was opened.
    pub at: Duration,
    /// The payload.
    pub body: Body,
}

/// A message's payload.
///
/// It is a slice of the socket's read buffer, and keeps the whole buffer alive. Copy it for longer storage.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Body {
    /// Text, validated as UTF-8.
    Text(ByteString),
    /// Bytes: ComfyUI's previews and progress texts.
    Binary(Bytes),
}
