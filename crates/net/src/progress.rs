//! Progress of file transfers.

use futures_util::TryStreamExt as _;
use reqwest::Body;
use tokio::io::AsyncRead;
use tokio_util::io::ReaderStream;

pub use runninghub_core::Direction;

use crate::Net;

/// The size of a read, bytes: enough to keep a fast connection busy, and small enough for frequent reports on a slow
/// one.
const PIECE: usize = 64 << 10;

/// The progress of a file transfer, for [`NetOptions::on_file_progress`](crate::NetOptions::on_file_progress).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct FileProgress<'a> {
    /// The direction.
    pub direction: Direction,
    /// Its name on this machine, without the folder. Not sanitized: escape it before you print it to a terminal.
    pub name: &'a str,
    /// Bytes transferred. It decreases if the transfer restarts.
    pub bytes: u64,
    /// The size of the file, bytes, if it is known: always for an upload.
    pub total: Option<u64>,
    /// The transfer has ended, by success or failure.
    pub is_over: bool,
}

impl Net {
    /// A request body that reports how much of it was passed to the connection.
    pub fn upload_body(&self, name: &str, content: impl AsyncRead + Send + 'static, total: u64) -> Body {
        let (net, name, mut bytes) = (self.clone(), name.to_owned(), 0);
        let mut report = move |more: usize| {
            bytes += more as u64;
            net.file_progress(FileProgress {
                direction: Direction::Up,
                name: &name,
                bytes,
                total: Some(total),
                is_over: bytes == total,
            });
        };
        report(0);
        let pieces = ReaderStream::with_capacity(content, PIECE).inspect_ok(move |piece| report(piece.len()));
        Body::wrap_stream(pieces)
    }
}
