//! One message of a socket.

use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;

/// A message and when it came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Frame {
    /// Time since the source was opened.
    pub at: Duration,
    /// What came.
    pub body: Body,
}

/// A message's payload.
///
/// It is a slice of the buffer that the socket read into: keeping it keeps the whole buffer alive. Copy what is kept.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Body {
    /// Text, known to be UTF-8.
    Text(ByteString),
    /// Bytes: ComfyUI's previews and progress texts.
    Binary(Bytes),
}
