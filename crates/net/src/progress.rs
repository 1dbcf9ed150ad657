//! How far files are on their way.

use futures_util::TryStreamExt as _;
use reqwest::Body;
use tokio::io::AsyncRead;
use tokio_util::io::ReaderStream;

pub use runninghub_core::Direction;

use crate::Net;

/// How much of a file is read at once: enough to keep a fast line busy, and often enough to report on a slow one.
const PIECE: usize = 64 << 10;

/// A file on its way, and how far it is, for [`NetOptions::on_file_progress`](crate::NetOptions::on_file_progress).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct FileProgress<'a> {
    /// Where it goes.
    pub direction: Direction,
    /// Its name on this machine, without the folder. It may be anything: a terminal is not to see it raw.
    pub name: &'a str,
    /// What has gone over the line, bytes. It falls where the file has to begin again.
    pub bytes: u64,
    /// The whole file, bytes, where that is known: always for an upload.
    pub total: Option<u64>,
    /// Nothing more will come of it: it is all there, or was given up.
    pub is_over: bool,
}

impl Net {
    /// The body of a request that reports how much of it was handed over to the connection.
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
