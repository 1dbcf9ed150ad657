//! The rows of a tape.

use std::{fmt, time::Duration};

use base64::{Engine as _, display::Base64Display, engine::general_purpose::STANDARD};
use bytes::Bytes;
use bytestring::ByteString;
use runninghub_core::{Sentence, say};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{FORMAT, KIND};
use crate::{Body, Frame};

/// The first line of a tape. Tapes without one are read as well.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Header {
    /// The format number.
    pub format: u64,
    kind: String,
    /// The program that wrote the tape, with its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software: Option<String>,
}

/// An event on a connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Milliseconds since this connection was opened.
    pub t_ms: f64,
    /// Milliseconds since the recording started; the recording may have several connections.
    pub at_ms: f64,
    /// The side that caused it.
    pub dir: Direction,
    /// The type of event.
    pub kind: RowKind,
    /// The payload, or a note for events without a payload.
    pub body: Option<Body>,
}

/// The side that caused a [`Row`].
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The server.
    In,
    /// The client.
    Out,
}

/// The type of an event.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RowKind {
    /// The connection was opened; the text contains path and headers.
    Open,
    /// A text frame.
    Text,
    /// A binary frame.
    Binary,
    /// A ping.
    Ping,
    /// A pong.
    Pong,
    /// A close frame.
    Close,
    /// The connection was cut on purpose, or by the error in the text.
    Abort,
    /// The end of the stream, with or without a close frame before it.
    Eof,
}

impl Row {
    /// The frame that the server sent in this row, if it is one.
    pub fn frame(&self) -> Option<Frame> {
        match (self.dir, self.kind, &self.body) {
            (Direction::In, RowKind::Text | RowKind::Binary, Some(body)) => {
                Some(Frame { at: self.at(), body: body.clone() })
            }
            _ => None,
        }
    }

    /// Whether the connection's frames end here.
    pub fn is_end(&self) -> bool {
        self.dir == Direction::In && matches!(self.kind, RowKind::Close | RowKind::Abort | RowKind::Eof)
    }

    /// Time since this connection was opened.
    pub fn at(&self) -> Duration {
        Duration::try_from_secs_f64(self.t_ms / 1000.0).unwrap_or_default()
    }
}

impl Header {
    pub(super) fn new() -> Self {
        let software = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned();
        Self { format: FORMAT, kind: KIND.to_owned(), software: Some(software) }
    }

    pub(super) fn is_header(&self) -> bool {
        self.kind == KIND
    }
}

/// A row in its line format.
#[derive(Deserialize, Serialize)]
pub(super) struct Line<T, B> {
    t_ms: f64,
    at_ms: Option<f64>,
    dir: Direction,
    kind: RowKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    b64: Option<B>,
}

/// Text moved from the parser's scratch space directly into its final buffer: `Option<Cow<str>>` would copy twice.
pub(super) struct Text(ByteString);
/// Bytes decoded directly from the parser's input.
pub(super) struct Base64(Bytes);
/// Bytes encoded directly into the writer's output.
pub(super) struct AsBase64<'a>(&'a [u8]);

impl<'a> From<&'a Row> for Line<&'a str, AsBase64<'a>> {
    fn from(row: &'a Row) -> Self {
        let (text, b64) = match &row.body {
            Some(Body::Text(text)) => (Some(&**text), None),
            Some(Body::Binary(bytes)) => (None, Some(AsBase64(bytes))),
            None => (None, None),
        };
        let (t_ms, at_ms) = (micros(row.t_ms), Some(micros(row.at_ms)));
        Self { t_ms, at_ms, dir: row.dir, kind: row.kind, text, b64 }
    }
}

impl TryFrom<Line<Text, Base64>> for Row {
    type Error = Sentence;

    fn try_from(line: Line<Text, Base64>) -> Result<Self, Self::Error> {
        let body = match (line.kind, line.text, line.b64) {
            (RowKind::Text, None, _) => return Err(say!("is a text frame without its text")),
            (RowKind::Binary, _, None) => return Err(say!("is a binary frame without its bytes")),
            (RowKind::Binary, _, Some(bytes)) | (_, None, Some(bytes)) => Some(Body::Binary(bytes.0)),
            (_, Some(text), _) => Some(Body::Text(text.0)),
            (_, None, None) => None,
        };
        let at_ms = line.at_ms.unwrap_or(line.t_ms);
        Ok(Self { t_ms: line.t_ms, at_ms, dir: line.dir, kind: line.kind, body })
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.into()))
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Base64;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string in base64")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Base64, E> {
                STANDARD.decode(text).map(|bytes| Base64(bytes.into())).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

impl Serialize for AsBase64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(self.0, &STANDARD))
    }
}

/// Rounds to whole microseconds: finer than any clock in use, and exact when parsed again.
fn micros(ms: f64) -> f64 {
    if ms.is_finite() { (ms * 1000.0).round() / 1000.0 } else { 0.0 }
}
