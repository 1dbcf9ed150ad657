//! The SHA-256 of a large file, computed in parallel with its download: sequentially it would double the time of a
//! fast one.

use std::{
    fs::File,
    io::{self, Read as _},
};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::sync::{mpsc, oneshot};

use super::digest::digest;

/// Maximum number of queued pieces. The largest have half a megabyte.
const WAITING: usize = 16;

/// A thread that hashes the pieces of a file. Dropping this ends it.
pub(super) struct Sum {
    pieces: mpsc::Sender<Bytes>,
    hash: oneshot::Receiver<io::Result<Sha256>>,
}

impl Sum {
    /// Starts with existing content: `bytes` from the start of the file, opened separately for this.
    pub(super) fn begin(file: File, bytes: u64) -> Self {
        let (pieces, mut waiting) = mpsc::channel::<Bytes>(WAITING);
        let (done, hash) = oneshot::channel();
        tokio::task::spawn_blocking(move || {
            let mut sum = digest::<Sha256>(&mut file.take(bytes));
            while let (Ok(sum), Some(piece)) = (&mut sum, waiting.blocking_recv()) {
                sum.update(&piece);
            }
            // The receiver is gone if the download was aborted.
            _ = done.send(sum);
        });
        Self { pieces, hash }
    }

    /// Waits while the queue is full. Errors are reported at the end.
    pub(super) async fn add(&self, piece: Bytes) {
        _ = self.pieces.send(piece).await;
    }

    /// The digest of all pieces. Blocks until it is done.
    pub(super) fn finish(self) -> io::Result<Sha256> {
        drop(self.pieces);
        self.hash.blocking_recv().unwrap_or_else(|gone| Err(io::Error::other(gone)))
    }
}
