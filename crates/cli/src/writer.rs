//! Writing to stdout and stderr without waiting for their readers.
//!
//! A command that handles signals must not block on a full pipe or a stopped terminal. From [`begin`] on, dedicated
//! threads write. Important lines wait in memory as long as necessary. They are few: a line for each node, file and
//! warning of a run. Unbounded lines (progress, polls, the log) replace the previous one of their kind once the reader
//! lags. A command with much output and no paid task waits for [`room`].
//!
//! Until [`begin`], and in all commands that signals end in the default way, text is written at once.

use std::{
    collections::VecDeque,
    io,
    pin::pin,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use runninghub::say;
use tokio::sync::Notify;

use crate::{lang, platform::is_one_place, signals};

/// A reader lags if more than this many bytes are pending: about the capacity of a pipe.
const LAG: usize = 64 * 1024;
/// How long the process waits for a reader at its end, after a signal.
const GRACE: Duration = Duration::from_millis(500);
/// How often the process checks for a signal while it waits for a reader at its end: a signal handler cannot wake it.
const LOOK: Duration = Duration::from_millis(50);

/// The reader of stdout is gone.
static CLOSED: AtomicBool = AtomicBool::new(false);
/// The writer threads; unset until writes must not block.
static CHANNELS: OnceLock<Option<Channels>> = OnceLock::new();

/// The destination of text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stream {
    /// Data.
    Out,
    /// Messages.
    Err,
}

/// The kinds of lines that a newer line of the same kind replaces.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Passing {
    /// Progress of the run.
    Progress,
    /// A new preview.
    Preview,
    /// The response to a poll.
    Status,
    /// The source of updates.
    Connection,
    /// Progress of a file.
    Transfer,
    /// Text that a node shows while it runs.
    Text,
    /// The log; dropped lines are counted.
    Log,
}

#[derive(Debug)]
struct Piece {
    stream: Stream,
    passing: Option<Passing>,
    text: String,
    /// How many lines of its kind it has replaced.
    replaced: usize,
}

/// One queue for both streams if they lead to the same destination, so that the order is kept.
#[derive(Debug)]
struct Channels {
    out: Arc<Channel>,
    err: Arc<Channel>,
}

/// Text queued for a reader, in order.
#[derive(Debug, Default)]
struct Channel {
    queue: Mutex<Queue>,
    filled: Condvar,
    emptied: Condvar,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Piece>,
    /// Bytes queued or being written.
    bytes: usize,
}

/// From here on writes no longer wait for the reader.
pub(crate) fn begin() {
    CHANNELS.get_or_init(Channels::start);
}

/// Writes text, all of it or none.
pub(crate) fn write(stream: Stream, text: String) {
    send(Piece { stream, passing: None, text, replaced: 0 });
}

/// Writes text that a newer text of its kind replaces.
pub(crate) fn pass(stream: Stream, kind: Passing, text: String) {
    send(Piece { stream, passing: Some(kind), text, replaced: 0 });
}

/// Whether the reader of stdout is gone.
pub(crate) fn is_closed() -> bool {
    CLOSED.load(Ordering::Relaxed)
}

/// Marks the reader of stdout as gone.
pub(crate) fn close() {
    CLOSED.store(true, Ordering::Relaxed);
}

/// Whether the reader of stdout lags so far that redraws should be skipped.
pub(crate) fn is_behind() -> bool {
    channels().is_some_and(|channels| channels.out.lock().bytes > LAG / 4)
}

/// Waits until the reader of stdout no longer lags.
pub(crate) async fn room() {
    let Some(channels) = channels() else { return };
    loop {
        let mut freed = pin!(channels.out.freed.notified());
        freed.as_mut().enable();
        if channels.out.lock().bytes <= LAG {
            return;
        }
        freed.await;
    }
}

/// Waits a moment for the last output, before input is read or the process may end.
pub(crate) fn settle() {
    finish(true);
}

/// Waits until all output is written. After a signal the wait is short; `is_leaving` if the signal arrived already.
pub(crate) fn finish(is_leaving: bool) {
    let Some(channels) = channels() else { return };
    let mut until = is_leaving.then(|| Instant::now() + GRACE);
    for channel in [&channels.out, &channels.err] {
        while !channel.is_empty_within(LOOK) {
            if signals::has_come() {
                until.get_or_insert_with(|| Instant::now() + GRACE);
            }
            if until.is_some_and(|until| Instant::now() >= until) {
                return;
            }
        }
    }
}

fn channels() -> Option<&'static Channels> {
    CHANNELS.get()?.as_ref()
}

fn send(piece: Piece) {
    match channels() {
        None => piece.write(),
        Some(channels) => match piece.stream {
            Stream::Out => channels.out.push(piece),
            Stream::Err => channels.err.push(piece),
        },
    }
}

impl Channels {
    /// `None` if the system cannot start a thread: writes then block as before.
    fn start() -> Option<Self> {
        let out = Channel::start("stdout").ok()?;
        let err = if is_one_place() { Arc::clone(&out) } else { Channel::start("stderr").ok()? };
        Some(Self { out, err })
    }
}

impl Channel {
    fn start(name: &str) -> io::Result<Arc<Self>> {
        let channel = Arc::new(Self::default());
        let writing = Arc::clone(&channel);
        thread::Builder::new().name(name.to_owned()).spawn(move || writing.write())?;
        Ok(channel)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Safe to recover: no panic leaves the queue inconsistent.
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
            // Only after the last important line: lines before it keep their position.
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
    /// Errors are ignored: no stream is left to report them, and a paid task must not suffer.
    fn write(&self) {
        let mut gap = String::new();
        if self.passing == Some(Passing::Log) && self.replaced > 0 {
            let words = say!("… {count} lines of the log are left out here", count = self.replaced);
            gap = lang::word(&words) + "\n";
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
