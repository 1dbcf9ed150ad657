//! Records the frames that pass through a source.

use std::{
    fs::{self, File},
    io::Write,
    path::PathBuf,
    sync::{
        Arc, OnceLock, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use runninghub_core::{SocketUrl, say};
use tokio::time::Instant;

use crate::{Body, Connect, Direction, Error, Frame, FrameSource, Redactor, Row, RowKind, TapeWriter};

/// The stream's name in the file names of [`RecordConnect`].
const STREAM: &str = "a";

/// A tee: passes all frames through and writes them to a tape, without their secrets.
///
/// A tape that can't be written never breaks the run: the first error is kept and logged as a warning, and writing
/// stops.
#[derive(Debug)]
pub struct Record<S, W = File> {
    source: S,
    tape: Option<TapeWriter<W>>,
    session: Arc<Session>,
    /// When this connection was opened, relative to the start of the recording.
    opened: Duration,
    last: Duration,
}

/// Records each connection of another connector as `ws-a1.jsonl`, `ws-a2.jsonl` and so on in a folder.
#[derive(Debug)]
pub struct RecordConnect<C> {
    inner: C,
    folder: PathBuf,
    session: Arc<Session>,
    opened: AtomicUsize,
}

/// State shared by all parts of a recording.
#[derive(Debug)]
pub(crate) struct Session {
    began: Instant,
    redactor: RwLock<Redactor>,
    failure: OnceLock<Error>,
}

impl<S: FrameSource, W: Write + Send> Record<S, W> {
    /// Records a source that has just been opened.
    pub fn new(source: S, tape: TapeWriter<W>, redactor: Redactor) -> Self {
        Self::part_of(Session::new(redactor), source, tape)
    }

    /// The error that stopped the writing, if any.
    pub fn failure(&self) -> Option<&Error> {
        self.session.failure()
    }

    fn part_of(session: Arc<Session>, source: S, tape: TapeWriter<W>) -> Self {
        // Uses the same clock as HTTP, so that frames and HTTP responses keep their order.
        let opened = source.opened().unwrap_or_else(Instant::now).saturating_duration_since(session.began);
        Self { source, tape: Some(tape), session, opened, last: Duration::ZERO }
    }

    fn write(&mut self, at: Duration, dir: Direction, kind: RowKind, body: Option<Body>) {
        self.last = at;
        let Some(tape) = &mut self.tape else { return };
        let body = body.map(|body| self.session.redact(body));
        let row = Row { t_ms: ms(at), at_ms: ms(self.opened + at), dir, kind, body };
        if let Err(error) = tape.write(&row) {
            self.session.fail(error);
            self.tape = None;
        }
    }

    fn note(&mut self, dir: Direction, kind: RowKind, note: Option<String>) {
        self.write(self.last, dir, kind, note.map(|note| Body::Text(note.into())));
    }

    /// Writes the last row; later ends are ignored.
    fn end(&mut self, kind: RowKind, note: Option<String>) {
        self.note(Direction::In, kind, note);
        self.tape = None;
    }
}

#[async_trait]
impl<S: FrameSource, W: Write + Send> FrameSource for Record<S, W> {
    async fn next_frame(&mut self) -> Result<Option<Frame>, Error> {
        let result = self.source.next_frame().await;
        // No await from here on, so a frame taken from the source is always passed on. Each line is written at once:
        // writing to the page cache is faster than handing the line to another thread.
        match &result {
            Ok(Some(frame)) => {
                let kind = match frame.body {
                    Body::Text(_) => RowKind::Text,
                    Body::Binary(_) => RowKind::Binary,
                };
                self.write(frame.at, Direction::In, kind, Some(frame.body.clone()));
            }
            Ok(None) => self.end(RowKind::Eof, None),
            Err(error) => self.end(RowKind::Abort, Some(error.to_string())),
        }
        result
    }

    async fn close(&mut self) {
        if self.tape.is_some() {
            self.note(Direction::Out, RowKind::Close, None);
            self.end(RowKind::Eof, None);
        }
        self.source.close().await;
    }
}

impl<C: Connect> RecordConnect<C> {
    /// Records into a folder, which is created if missing. Existing tapes of the same names are overwritten.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if the folder can't be created.
    pub fn new(inner: C, folder: impl Into<PathBuf>, redactor: Redactor) -> Result<Self, Error> {
        let folder = folder.into();
        fs::create_dir_all(&folder)
            .map_err(|error| Error::file(&folder, say!("cannot be created"), error))?;
        Ok(Self::part_of(Session::new(redactor), inner, folder))
    }

    pub(crate) fn part_of(session: Arc<Session>, inner: C, folder: PathBuf) -> Self {
        Self { inner, folder, session, opened: AtomicUsize::new(0) }
    }

    /// The error that stopped the writing of a connection, if any.
    pub fn failure(&self) -> Option<&Error> {
        self.session.failure()
    }
}

#[async_trait]
impl<C: Connect> Connect for RecordConnect<C> {
    async fn connect(&self, address: &SocketUrl) -> Result<Box<dyn FrameSource>, Error> {
        self.session.learn(|redactor| redactor.learn_socket_url(address));
        let source = self.inner.connect(address).await?;
        let number = self.opened.fetch_add(1, Ordering::Relaxed) + 1;
        let path = self.folder.join(format!("ws-{STREAM}{number}.jsonl"));
        let tape = File::create(&path)
            .map_err(|error| Error::file(&path, say!("cannot be created"), error))
            .and_then(TapeWriter::new);
        match tape {
            Ok(tape) => {
                let mut record = Record::part_of(self.session.clone(), source, tape);
                record.note(Direction::In, RowKind::Open, Some(address.masked()));
                Ok(Box::new(record))
            }
            Err(error) => {
                self.session.fail(error);
                Ok(source)
            }
        }
    }
}

impl Session {
    pub(crate) fn new(redactor: Redactor) -> Arc<Self> {
        let (redactor, failure) = (RwLock::new(redactor), OnceLock::new());
        Arc::new(Self { began: Instant::now(), redactor, failure })
    }

    /// Keeps the first error, and logs only that one.
    pub(crate) fn fail(&self, error: Error) {
        let text = error.to_string();
        if self.failure.set(error).is_ok() {
            tracing::warn!(error = text, "the recording is not complete");
        }
    }

    pub(crate) fn ms_at(&self, moment: Instant) -> f64 {
        ms(moment.saturating_duration_since(self.began))
    }

    pub(crate) fn failure(&self) -> Option<&Error> {
        self.failure.get()
    }

    pub(crate) fn learn(&self, lesson: impl FnOnce(&mut Redactor)) {
        lesson(&mut self.redactor.write().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn redact_text(&self, text: &str) -> String {
        self.redactor.read().unwrap_or_else(PoisonError::into_inner).redact(text).into_owned()
    }

    fn redact(&self, body: Body) -> Body {
        let redactor = self.redactor.read().unwrap_or_else(PoisonError::into_inner);
        match &body {
            Body::Text(text) => match redactor.redact(text) {
                std::borrow::Cow::Borrowed(same) if same.len() == text.len() => body,
                other => Body::Text(other.into_owned().into()),
            },
            Body::Binary(bytes) => Body::Binary(redactor.redact_bytes(bytes)),
        }
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use std::{io, sync::Mutex};

    use Direction::{In, Out};

    use super::*;
    use crate::{ErrorKind, Replay, Speed, Tape, frame_source_conformance};

    /// A file that can be read while it is written, and that is full after a number of lines.
    #[derive(Clone, Debug)]
    struct Disk {
        bytes: Arc<Mutex<Vec<u8>>>,
        lines: usize,
    }

    impl Disk {
        fn new(lines: usize) -> Self {
            Self { bytes: Arc::default(), lines }
        }

        fn tape(&self) -> Tape {
            Tape::parse(&**self.bytes.lock().unwrap()).unwrap()
        }
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            assert!(bytes.ends_with(b"\n"), "a line goes out whole");
            if self.lines == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.lines -= 1;
            self.bytes.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn rows(messages: Vec<Body>) -> Vec<Row> {
        let row = |body: Body| {
            let kind = if matches!(body, Body::Text(_)) { RowKind::Text } else { RowKind::Binary };
            Row { t_ms: 0.5, at_ms: 0.5, dir: In, kind, body: Some(body) }
        };
        messages.into_iter().map(row).collect()
    }

    fn record(messages: Vec<Body>, disk: &Disk) -> Record<Replay, Disk> {
        let tape = TapeWriter::new(disk.clone()).unwrap();
        Record::new(Replay::new(rows(messages), Speed::Times(1.0)), tape, Redactor::new().secret("hunter2"))
    }

    frame_source_conformance!(conformance, async |messages| record(messages, &Disk::new(usize::MAX)));
    frame_source_conformance!(on_a_full_disk, async |messages| record(messages, &Disk::new(3)));

    /// A socket opened some time before the recording started.
    struct Opened(Instant);

    #[async_trait]
    impl FrameSource for Opened {
        async fn next_frame(&mut self) -> Result<Option<Frame>, Error> {
            Ok(Some(Frame { at: self.0.elapsed(), body: Body::Text("{}".into()) }))
        }

        async fn close(&mut self) {}

        fn opened(&self) -> Option<Instant> {
            Some(self.0)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_has_the_time_at_which_it_came_however_late_its_recorder_is() {
        let (disk, session) = (Disk::new(usize::MAX), Session::new(Redactor::new()));
        let source: Box<dyn FrameSource> = Box::new(Opened(Instant::now()));
        tokio::time::advance(Duration::from_millis(40)).await;
        let mut record = Record::part_of(session, source, TapeWriter::new(disk.clone()).unwrap());
        tokio::time::advance(Duration::from_millis(10)).await;
        record.next_frame().await.unwrap();
        assert!((disk.tape().rows[0].at_ms - 50.0).abs() < 0.001, "{:?}", disk.tape().rows);
    }

    #[tokio::test]
    async fn every_frame_is_on_the_tape_when_it_is_passed_on() {
        let disk = Disk::new(usize::MAX);
        let binary = Body::Binary(b"\0\0\0\x03hunter2".as_slice().into());
        let mut source = record(vec![Body::Text("I am hunter2".into()), binary.clone()], &disk);
        let frame = source.next_frame().await.unwrap().unwrap();
        assert_eq!(frame.body, Body::Text("I am hunter2".into()));
        assert_eq!(disk.tape().rows.len(), 1);
        assert_eq!(source.next_frame().await.unwrap().unwrap().body, binary);
        source.close().await;
        source.close().await;
        assert_eq!(source.next_frame().await.unwrap(), None);

        let rows = disk.tape().rows;
        let kinds: Vec<_> = rows.iter().map(|row| (row.dir, row.kind)).collect();
        let expected =
            [(In, RowKind::Text), (In, RowKind::Binary), (Out, RowKind::Close), (In, RowKind::Eof)];
        assert_eq!(kinds, expected);
        assert_eq!(rows[0].frame().unwrap().body, Body::Text("I am ***".into()));
        assert_eq!(rows[1].frame().unwrap().body, Body::Binary(b"\0\0\0\x03*******".as_slice().into()));
        assert_eq!(rows[0].at().as_micros(), 500);
    }

    #[tokio::test]
    async fn a_full_disk_leaves_a_readable_tape_and_an_error() {
        let disk = Disk::new(3);
        let messages: Vec<_> = (0..10).map(|number| Body::Text(number.to_string().into())).collect();
        let mut source = record(messages, &disk);
        assert!(source.failure().is_none());
        let mut frames = 0;
        while source.next_frame().await.unwrap().is_some() {
            frames += 1;
        }
        assert_eq!(frames, 10, "the run goes on");
        assert_eq!(source.failure().unwrap().kind(), ErrorKind::Io);
        assert_eq!(disk.tape().rows.len(), 2);
    }
}
