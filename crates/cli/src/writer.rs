//! Writing to stdout and stderr without waiting for their readers.
//!
//! A command that heeds signals must not stand still because a pipe is full or a terminal is stopped: from [`begin`] on,
//! threads of their own write. What matters waits in memory as long as it has to. That is little: a line for each node,
//! file and warning of a run. Lines that come without end (progress, polls, the log) replace the one before them once the
//! reader lags. A command that has much to say and no task at stake waits for [`room`].
//!
//! Until [`begin`], and in all commands that end by signals as any process does, text is written at once.

use std::{
    collections::VecDeque,
    io::{self, IsTerminal as _},
    pin::pin,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use crate::signals;

/// A reader with more than this before it lags, bytes: as much again as a pipe holds.
const LAG: usize = 64 * 1024;
/// How long the end of the process waits for a reader after a signal.
const GRACE: Duration = Duration::from_millis(500);
/// How often the end of the process looks for a signal while it waits for a reader: a signal handler cannot wake it.
const LOOK: Duration = Duration::from_millis(50);

/// The reader of stdout is gone.
static CLOSED: AtomicBool = AtomicBool::new(false);
/// The threads, where writing has to wait for nothing.
static LANES: OnceLock<Option<Lanes>> = OnceLock::new();

/// Where text goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stream {
    /// Data.
    Out,
    /// Messages.
    Err,
}

/// What a line says that a newer one of its kind says better.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Passing {
    /// How far the run is.
    Progress,
    /// A preview came.
    Preview,
    /// The answer to a poll.
    Status,
    /// Where news comes from.
    Connection,
    /// How far a file is.
    Transfer,
    /// What a node shows while it runs.
    Text,
    /// The log; what is left out of it is counted.
    Log,
}

#[derive(Debug)]
struct Piece {
    stream: Stream,
    passing: Option<Passing>,
    text: String,
    /// How many lines of its kind it replaces.
    replaced: usize,
}

/// One lane for both streams where they lead to the same place, so that the order stays.
#[derive(Debug)]
struct Lanes {
    out: Arc<Lane>,
    err: Arc<Lane>,
}

/// Text on its way to a reader, in order.
#[derive(Debug, Default)]
struct Lane {
    queue: Mutex<Queue>,
    filled: Condvar,
    emptied: Condvar,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Piece>,
    /// Of all that waits and of what is being written.
    bytes: usize,
}

/// From here on nothing that is written waits for its reader.
pub(crate) fn begin() {
    LANES.get_or_init(Lanes::start);
}

/// Writes text, whole or not at all.
pub(crate) fn write(stream: Stream, text: String) {
    send(Piece { stream, passing: None, text, replaced: 0 });
}

/// Writes text that is worth nothing once newer text of its kind is there.
pub(crate) fn pass(stream: Stream, kind: Passing, text: String) {
    send(Piece { stream, passing: Some(kind), text, replaced: 0 });
}

/// Whether the reader of stdout is gone.
pub(crate) fn is_closed() -> bool {
    CLOSED.load(Ordering::Relaxed)
}

/// The reader of stdout is gone.
pub(crate) fn close() {
    CLOSED.store(true, Ordering::Relaxed);
}

/// Whether the reader of stdout lags so far that drawings are better left out.
pub(crate) fn is_behind() -> bool {
    lanes().is_some_and(|lanes| lanes.out.lock().bytes > LAG / 4)
}

/// Waits until the reader of stdout does not lag.
pub(crate) async fn room() {
    let Some(lanes) = lanes() else { return };
    loop {
        let mut freed = pin!(lanes.out.freed.notified());
        freed.as_mut().enable();
        if lanes.out.lock().bytes <= LAG {
            return;
        }
        freed.await;
    }
}

/// Waits a moment for what was written last, before an answer is read or the process may be gone.
pub(crate) fn settle() {
    finish(true);
}

/// Waits until everything is with its readers. After a signal that is given up soon; `is_leaving` where it came already.
pub(crate) fn finish(is_leaving: bool) {
    let Some(lanes) = lanes() else { return };
    let mut until = is_leaving.then(|| Instant::now() + GRACE);
    for lane in [&lanes.out, &lanes.err] {
        while !lane.is_empty_within(LOOK) {
            if signals::has_come() {
                until.get_or_insert_with(|| Instant::now() + GRACE);
            }
            if until.is_some_and(|until| Instant::now() >= until) {
                return;
            }
        }
    }
}

fn lanes() -> Option<&'static Lanes> {
    LANES.get()?.as_ref()
}

fn send(piece: Piece) {
    match lanes() {
        None => piece.write(),
        Some(lanes) => match piece.stream {
            Stream::Out => lanes.out.push(piece),
            Stream::Err => lanes.err.push(piece),
        },
    }
}

impl Lanes {
    /// None where the system has no thread left: then writing waits as before.
    fn start() -> Option<Self> {
        let out = Lane::start("stdout").ok()?;
        let err = if is_one_place() { Arc::clone(&out) } else { Lane::start("stderr").ok()? };
        Some(Self { out, err })
    }
}

impl Lane {
    fn start(name: &str) -> io::Result<Arc<Self>> {
        let lane = Arc::new(Self::default());
        let writing = Arc::clone(&lane);
        thread::Builder::new().name(name.to_owned()).spawn(move || writing.write())?;
        Ok(lane)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing panics between two changes that belong together.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, piece: Piece) {
        self.lock().push(piece);
        self.filled.notify_one();
    }

    fn write(&self) {
        loop {
            let piece = {
                let mut queue = self.lock();
                loop {
                    if let Some(piece) = queue.waiting.pop_front() {
                        break piece;
                    }
                    queue = self.filled.wait(queue).unwrap_or_else(PoisonError::into_inner);
                }
            };
            piece.write();
            let mut queue = self.lock();
            queue.bytes -= piece.text.len();
            if queue.bytes <= LAG {
                self.freed.notify_waiters();
            }
            if queue.bytes == 0 {
                self.emptied.notify_all();
            }
        }
    }

    fn is_empty_within(&self, wait: Duration) -> bool {
        let queue = self.emptied.wait_timeout_while(self.lock(), wait, |queue| queue.bytes > 0);
        queue.unwrap_or_else(PoisonError::into_inner).0.bytes == 0
    }
}

impl Queue {
    fn push(&mut self, mut piece: Piece) {
        if self.bytes > LAG && piece.passing.is_some() {
            // Only behind the last line that matters: what came before that line stays before it.
            let newer = self.waiting.iter().rev().take_while(|old| old.passing.is_some()).count();
            let first = self.waiting.len() - newer;
            let mut tail = self.waiting.range(first..);
            let same = tail.position(|old| (old.stream, old.passing) == (piece.stream, piece.passing));
            if let Some(old) = same.and_then(|at| self.waiting.remove(first + at)) {
                self.bytes -= old.text.len();
                piece.replaced = old.replaced + 1;
            }
        }
        self.bytes += piece.text.len();
        self.waiting.push_back(piece);
    }
}

impl Piece {
    /// If that fails, there is no stream left to say so, and a paid task must not suffer from it.
    fn write(&self) {
        let mut gap = String::new();
        if self.passing == Some(Passing::Log) && self.replaced > 0 {
            gap = format!("… {} lines of the log are left out here\n", self.replaced);
        }
        let put = |to: &mut dyn io::Write| {
            to.write_all(gap.as_bytes())?;
            to.write_all(self.text.as_bytes())?;
            to.flush()
        };
        match self.stream {
            Stream::Out if is_closed() => {}
            Stream::Out => {
                if put(&mut io::stdout().lock()).is_err() {
                    close();
                }
            }
            Stream::Err => _ = put(&mut io::stderr().lock()),
        }
    }
}

/// Whether both streams lead to the same place: a terminal, a pipe, a file.
fn is_one_place() -> bool {
    let (out, err) = (io::stdout(), io::stderr());
    #[cfg(unix)]
    if let (Ok(out), Ok(err)) = (rustix::fs::fstat(&out), rustix::fs::fstat(&err)) {
        return (out.st_dev, out.st_ino) == (err.st_dev, err.st_ino);
    }
    out.is_terminal() && err.is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(passing: Option<Passing>, text: &str) -> Piece {
        Piece { stream: Stream::Out, passing, text: text.to_owned(), replaced: 0 }
    }

    fn texts(queue: &Queue) -> Vec<&str> {
        queue.waiting.iter().map(|piece| piece.text.trim_start_matches('.')).collect()
    }

    #[test]
    fn nothing_is_dropped_while_the_reader_keeps_up() {
        let mut queue = Queue::default();
        for text in ["1", "2", "3"] {
            queue.push(line(Some(Passing::Progress), text));
        }
        assert_eq!(texts(&queue), ["1", "2", "3"]);
    }

    #[test]
    fn only_the_newest_line_of_a_kind_waits_for_a_reader_that_lags() {
        let mut queue = Queue::default();
        queue.push(line(None, &".".repeat(LAG + 1)));
        for text in ["1", "2", "3"] {
            queue.push(line(Some(Passing::Progress), text));
            queue.push(line(Some(Passing::Log), text));
        }
        queue.push(line(None, "node"));
        queue.push(line(Some(Passing::Progress), "4"));
        queue.push(line(None, "result"));
        assert_eq!(texts(&queue), ["", "3", "3", "node", "4", "result"]);
        assert_eq!(queue.waiting[2].replaced, 2);
        assert_eq!(queue.bytes, queue.waiting.iter().map(|piece| piece.text.len()).sum::<usize>());
    }
}
