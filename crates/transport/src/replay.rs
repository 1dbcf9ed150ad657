//! Plays tapes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use runninghub_core::{SocketUrl, say};
use tokio::{
    task::coop,
    time::{Instant, sleep_until},
};

use crate::{Connect, Error, ErrorKind, Frame, FrameSource, Row, Tape, scale::scale};

/// A later time on a tape is invalid, and isn't waited for.
const LONGEST: Duration = Duration::from_hours(30 * 24);

/// How fast a tape is played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// A multiple of the original speed; 1 is the original speed. Anything but a positive number counts as 1.
    Times(f64),
    /// Without any waits.
    Max,
}

/// A tape as a frame source, on tokio's clock.
///
/// It yields the frames the server sent; [`Frame::at`] is the recorded time, at any speed.
#[derive(Clone, Debug)]
pub struct Replay {
    rows: Arc<[Row]>,
    next: usize,
    speed: Speed,
    opened: Instant,
}

/// Plays one tape per connection, and refuses connections when no tape is left.
#[derive(Debug)]
pub struct ReplayConnect {
    tapes: Vec<Arc<[Row]>>,
    speed: Speed,
    used: AtomicUsize,
}

impl Replay {
    /// Starts playing now.
    pub fn new(rows: impl Into<Arc<[Row]>>, speed: Speed) -> Self {
        Self { rows: rows.into(), next: 0, speed, opened: Instant::now() }
    }

    async fn wait_for(&self, at: Duration) {
        match self.speed {
            Speed::Times(times) if at <= LONGEST => {
                let factor = if times > 0.0 { times.recip() } else { 1.0 };
                if let Some(then) = self.opened.checked_add(scale(at, factor)) {
                    sleep_until(then).await;
                }
            }
            // A tape is always ready; without this, a loop over it would starve all other tasks.
            _ => coop::consume_budget().await,
        }
    }
}

#[async_trait]
impl FrameSource for Replay {
    async fn next_frame(&mut self) -> Result<Option<Frame>, Error> {
        while let Some(row) = self.rows.get(self.next) {
            let (frame, end) = (row.frame(), row.is_end());
            if frame.is_some() || end {
                self.wait_for(row.at()).await;
            }
            // Advance only after the wait: a future dropped during the wait must not lose the row.
            self.next = if end { self.rows.len() } else { self.next + 1 };
            if frame.is_some() {
                return Ok(frame);
            }
        }
        Ok(None)
    }

    async fn close(&mut self) {
        self.next = self.rows.len();
    }
}

impl ReplayConnect {
    /// The first connection plays the first tape, and so on.
    pub fn new(tapes: impl IntoIterator<Item = Tape>, speed: Speed) -> Self {
        let tapes = tapes.into_iter().map(|tape| tape.rows.into()).collect();
        Self { tapes, speed, used: AtomicUsize::new(0) }
    }

    /// The number of requested connections, including refused ones.
    pub fn connections(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Connect for ReplayConnect {
    async fn connect(&self, _: &SocketUrl) -> Result<Box<dyn FrameSource>, Error> {
        let used = self.used.fetch_add(1, Ordering::Relaxed);
        match self.tapes.get(used) {
            Some(rows) => Ok(Box::new(Replay::new(rows.clone(), self.speed))),
            None => Err(Error::new(ErrorKind::NoTape, say!("the recording has no more connections"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytestring::ByteString;

    use super::*;
    use crate::{Body, Direction, RowKind, frame_source_conformance};

    fn row(t_ms: f64, dir: Direction, kind: RowKind, text: &'static str) -> Row {
        Row { t_ms, at_ms: t_ms, dir, kind, body: Some(Body::Text(ByteString::from_static(text))) }
    }

    fn rows(messages: Vec<Body>) -> Vec<Row> {
        let row = |(number, body): (u32, Body)| {
            let kind = if matches!(body, Body::Text(_)) { RowKind::Text } else { RowKind::Binary };
            let t_ms = f64::from(number) / 100.0;
            Row { t_ms, at_ms: t_ms, dir: Direction::In, kind, body: Some(body) }
        };
        (0..).zip(messages).map(row).collect()
    }

    frame_source_conformance!(as_it_happened, async |messages| Replay::new(
        rows(messages),
        Speed::Times(1.0)
    ));
    frame_source_conformance!(at_once, async |messages| Replay::new(rows(messages), Speed::Max));

    #[tokio::test(start_paused = true)]
    async fn frames_come_at_their_times() {
        for (speed, factor) in [(Speed::Times(1.0), 1.0), (Speed::Times(10.0), 0.1), (Speed::Max, 0.0)] {
            let tape = vec![
                row(0.0, Direction::In, RowKind::Open, "{}"),
                row(1_500.0, Direction::Out, RowKind::Text, "flags"),
                row(2_000.0, Direction::In, RowKind::Text, "a"),
                row(600_000.0, Direction::In, RowKind::Text, "b"),
                row(601_000.0, Direction::Out, RowKind::Close, "{}"),
                row(700_000.0, Direction::In, RowKind::Eof, "256"),
                row(900_000.0, Direction::In, RowKind::Text, "after the end"),
            ];
            let (mut replay, began) = (Replay::new(tape, speed), Instant::now());
            for (text, secs) in [("a", 2), ("b", 600)] {
                let frame = replay.next_frame().await.unwrap().unwrap();
                let at = Duration::from_secs(secs);
                assert_eq!(frame, Frame { at, body: Body::Text(text.into()) });
                assert_eq!(began.elapsed().as_secs(), scale(at, factor).as_secs());
            }
            assert_eq!(replay.next_frame().await.unwrap(), None);
            let end = scale(Duration::from_secs(700), factor);
            assert_eq!(began.elapsed().as_secs(), end.as_secs(), "the end has its time");
            assert_eq!(replay.next_frame().await.unwrap(), None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nonsense_times_neither_wait_nor_panic() {
        for t_ms in [f64::MAX, 1e21, -5.0, f64::NAN, f64::INFINITY] {
            let tape = vec![row(t_ms, Direction::In, RowKind::Text, "x")];
            for times in [1.0, 0.0, -1.0, f64::NAN, f64::MIN_POSITIVE] {
                let mut replay = Replay::new(tape.clone(), Speed::Times(times));
                assert!(replay.next_frame().await.unwrap().is_some());
            }
        }
    }

    #[tokio::test]
    async fn each_connection_plays_the_next_tape() {
        let tape = |text| Tape::from(vec![row(0.0, Direction::In, RowKind::Text, text)]);
        let connect = ReplayConnect::new([tape("1"), tape("2")], Speed::Max);
        let address = SocketUrl::new("ws://anywhere");
        for text in ["1", "2"] {
            let mut source = connect.connect(&address).await.unwrap();
            assert_eq!(source.next_frame().await.unwrap().unwrap().body, Body::Text(text.into()));
        }
        let refused = connect.connect(&address).await.err().unwrap();
        assert_eq!((refused.kind(), connect.connections()), (ErrorKind::NoTape, 3));
    }

    #[tokio::test]
    async fn a_tape_without_waits_lets_others_run() {
        let endless = rows(vec![Body::Text("x".into()); 100_000]);
        let other = tokio::spawn(async {});
        let mut replay = Replay::new(endless, Speed::Max);
        while replay.next_frame().await.unwrap().is_some() {
            if other.is_finished() {
                return;
            }
        }
        panic!("nobody else got a turn");
    }
}
