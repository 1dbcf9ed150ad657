//! The SHA-256 of a large file, made beside its download: in turn with it, it would double the time of a fast one.

use std::{
    fs::File,
    io::{self, Read as _},
};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::sync::{mpsc, oneshot};

use super::digest::digest;

/// How many pieces may wait. The largest are half a megabyte.
const WAITING: usize = 16;

/// A thread that is handed the pieces of a file. Dropping this ends it.
pub(super) struct Sum {
    pieces: mpsc::Sender<Bytes>,
    hash: oneshot::Receiver<io::Result<Sha256>>,
}

impl Sum {
    /// Begins with what is there already: `bytes` from the start of the file, which is opened for this alone.
    pub(super) fn begin(file: File, bytes: u64) -> Self {
        let (pieces, mut waiting) = mpsc::channel::<Bytes>(WAITING);
        let (done, hash) = oneshot::channel();
        tokio::task::spawn_blocking(move || {
            let mut sum = digest::<Sha256>(&mut file.take(bytes));
            while let (Ok(sum), Some(piece)) = (&mut sum, waiting.blocking_recv()) {
                sum.update(&piece);
            }
            // The other end is gone if the download was given up.
            _ = done.send(sum);
        });
        Self { pieces, hash }
    }

    /// Waits while too many pieces do. What went wrong is told at the end.
    pub(super) async fn add(&self, piece: Bytes) {
        _ = self.pieces.send(piece).await;
    }

    /// The sum of all pieces. Waits for it, on a thread that may.
    pub(super) fn finish(self) -> io::Result<Sha256> {
        drop(self.pieces);
        self.hash.blocking_recv().unwrap_or_else(|gone| Err(io::Error::other(gone)))
    }
}
