#![doc = include_str!("../README.md")]
#![warn(clippy::expect_used, clippy::unwrap_used)]

mod background;
#[cfg(any(test, feature = "conformance"))]
#[expect(clippy::expect_used, reason = "a suite of tests fails by panicking")]
pub mod conformance;
mod error;
mod frame;
#[cfg(feature = "live")]
mod live;
mod record;
mod recording;
mod redact;
mod replay;
mod scale;
mod source;
mod tape;

pub use error::{Error, ErrorKind};
pub use frame::{Body, Frame};
#[cfg(feature = "live")]
pub use live::{Hosts, Live, LiveOptions};
pub use record::{Record, RecordConnect};
pub use recording::{EXPECTED, HttpRow, Prompt, RecordedResult, Recording, RecordingWriter, SNAPSHOT};
pub use redact::Redactor;
pub use replay::{Replay, ReplayConnect, Speed};
/// Options for the network, with their errors.
#[cfg(feature = "live")]
#[doc(inline)]
pub use runninghub_net as net;
pub use source::{Connect, FrameSource};
pub use tape::{Direction, Header, Row, RowKind, Tape, TapeReader, TapeWriter};
