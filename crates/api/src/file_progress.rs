//! How far files are on their way.

use futures_util::TryStreamExt as _;
use reqwest::Body;
pub use runninghub_core::Direction;
use tokio::io::AsyncRead;
use tokio_util::io::ReaderStream;

use crate::Client;

/// How much of a file is read at once: enough to keep a fast line busy, and often enough to be told about on a slow one.
const PIECE: usize = 64 << 10;

/// A file on its way, and how far it is. Told by what was set with
/// [`ClientBuilder::on_file_progress`](crate::ClientBuilder::on_file_progress).
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

impl<'a> FileProgress<'a> {
    /// A file of so many bytes that is going from this machine.
    pub fn of_upload(name: &'a str, bytes: u64, total: u64) -> Self {
        Self { direction: Direction::Up, name, bytes, total: Some(total), is_over: bytes == total }
    }
}

/// Is told how far files are.
pub(crate) type Watcher = Box<dyn Fn(FileProgress<'_>) + Send + Sync>;

/// The body of a request that tells how much of it was handed over to the connection.
pub(crate) fn upload_body(
    client: &Client,
    name: &str,
    content: impl AsyncRead + Send + 'static,
    total: u64,
) -> Body {
    let (client, name, mut bytes) = (client.clone(), name.to_owned(), 0);
    let mut tell = move |more: usize| {
        bytes += more as u64;
        client.file_progress(FileProgress::of_upload(&name, bytes, total));
    };
    tell(0);
    let pieces = ReaderStream::with_capacity(content, PIECE).inspect_ok(move |piece| tell(piece.len()));
    Body::wrap_stream(pieces)
}
