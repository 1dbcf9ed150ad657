//! The minimum speed of a download.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use tokio::time::{Instant, timeout};

use crate::{Error, ErrorKind};

/// A slower download is aborted and resumed, since another connection may be faster. Bytes a second; a file of a few
/// hundred KiB would take minutes.
const SLOWEST: u64 = 1 << 10;
/// How long it has to be slower. Long enough for a phone in a tunnel.
const WINDOW: Duration = Duration::from_secs(30);
/// The minimum window when time is scaled down: a busy machine stalls too.
const SHORTEST: Duration = Duration::from_secs(2);

/// Reads a body, and aborts one that is too slow. Time spent on the disk does not count.
pub(super) struct Pace {
    window: Duration,
    waited: Duration,
    bytes: u64,
}

impl Pace {
    pub(super) fn new(time_scale: f64) -> Self {
        let window = WINDOW.mul_f64(time_scale).max(SHORTEST);
        Self { window, waited: Duration::ZERO, bytes: 0 }
    }

    /// The next piece; `None` at the end.
    pub(super) async fn next(&mut self, response: &mut Response) -> Result<Option<Bytes>, Error> {
        loop {
            let started = Instant::now();
            let piece = timeout(self.window.saturating_sub(self.waited), response.chunk()).await;
            if let Ok(piece) = piece {
                let piece = piece.map_err(Error::request)?;
                self.waited += started.elapsed();
                self.bytes += piece.as_ref().map_or(0, |piece| piece.len() as u64);
                return Ok(piece);
            }
            let seconds = self.window.as_secs();
            if self.bytes < SLOWEST * seconds {
                return Err(Error::new(ErrorKind::Slow { speed: SLOWEST, seconds }));
            }
            (self.waited, self.bytes) = (Duration::ZERO, 0);
        }
    }
}
