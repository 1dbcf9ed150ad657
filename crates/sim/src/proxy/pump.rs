//! Copies bytes in one direction.

use std::time::Duration;

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};

use super::{
    cutter::{Cutter, Step},
    fault_proxy::Shared,
    toxic::{Break, Kind, Toxic},
};

/// The largest chunk to read at once.
const PIECE: usize = 16 * 1024;
/// How many chunks may be in flight: enough for a second of latency on a fast link, few enough to need little memory.
const UNDER_WAY: usize = 256;

/// Chunks per second on a limited link.
const A_SECOND: u64 = 20;

/// How a connection ends early.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    Cut,
    Reset,
    Break(Break),
}

/// The current shape of the traffic.
#[derive(Debug, Default)]
struct Shape {
    delay: Duration,
    rate: Option<u64>,
    slices: Option<(usize, Duration)>,
}

/// Copies bytes until the sender has finished, or a toxic or an error ends the connection.
pub(super) async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut cutter: Cutter<'_>,
    mut rng: fastrand::Rng,
    shared: &Shared,
) -> Result<(), End> {
    let (sender, mut steps) = mpsc::channel(UNDER_WAY);
    let reading = async move {
        let mut buffer = vec![0; PIECE];
        loop {
            let read = from.read(&mut buffer).await.map_err(|_| End::Reset)?;
            let now = Instant::now();
            if read == 0 {
                _ = sender.send((now, Step::End, Shape::default())).await;
                return Ok(());
            }
            shared.seen.send_modify(|seen| seen.add(cutter.direction(), read as u64));
            let toxics = shared.toxics();
            for step in cutter.take(&buffer[..read], &toxics) {
                let shape = Shape::of(
                    toxics.iter().map(|(_, toxic)| toxic).filter(|toxic| cutter.is_under(toxic)),
                    &mut rng,
                );
                // The writer ends only with the connection.
                _ = sender.send((now, step, shape)).await;
            }
        }
    };
    let writing = async move {
        let mut is_silent = false;
        while let Some((read_at, step, shape)) = steps.recv().await {
            sleep_until(read_at + shape.delay).await;
            match step {
                _ if is_silent && !matches!(step, Step::Cut | Step::Reset | Step::Break(_)) => {}
                Step::Write(bytes) => write(&mut to, &bytes, &shape).await.map_err(|_| End::Cut)?,
                Step::Cut => return Err(End::Cut),
                Step::Reset => return Err(End::Reset),
                Step::Break(how) => return Err(End::Break(how)),
                Step::Silence => is_silent = true,
                Step::HalfClose | Step::End => {
                    is_silent = true;
                    // The peer may be gone.
                    _ = to.shutdown().await;
                }
            }
        }
        Ok(())
    };
    tokio::try_join!(reading, writing).map(|_| ())
}

async fn write(to: &mut (impl AsyncWrite + Unpin), bytes: &Bytes, shape: &Shape) -> std::io::Result<()> {
    let (size, pause) = shape.slices.unwrap_or((bytes.len().max(1), Duration::ZERO));
    for (index, slice) in bytes.chunks(size).enumerate() {
        if index > 0 {
            sleep(pause).await;
        }
        let size =
            shape.rate.map_or(slice.len(), |rate| usize::try_from(rate / A_SECOND).unwrap_or(usize::MAX));
        for piece in slice.chunks(size.max(1)) {
            if let Some(rate) = shape.rate {
                sleep(Duration::from_secs(1).mul_f64(piece.len() as f64 / rate as f64)).await;
            }
            to.write_all(piece).await?;
            to.flush().await?;
        }
    }
    Ok(())
}

impl Shape {
    fn of<'a>(toxics: impl Iterator<Item = &'a Toxic>, rng: &mut fastrand::Rng) -> Self {
        let mut shape = Self::default();
        for toxic in toxics {
            match toxic.kind {
                Kind::Latency { delay, jitter } => shape.delay += delay + jitter.mul_f64(rng.f64()),
                Kind::Bandwidth(rate) => shape.rate = Some(shape.rate.map_or(rate, |other| other.min(rate))),
                Kind::Slicer { bytes, pause } => shape.slices = Some((bytes, pause)),
                Kind::At(..) | Kind::Refuse => {}
            }
        }
        shape
    }
}
