//! Records the frames that pass through a source.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use runninghub_core::{Binary, SocketUrl, decode_binary, say};
use tokio::time::Instant;

use crate::{
    Body, Connect, Direction, Error, ErrorKind, Frame, FrameSource, Redactor, Row, RowKind, TapeWriter,
    background::{Background, LAST_WRITES},
};

/// Minimum time between recorded previews, which are most of a socket's bytes.
const PREVIEWS: Duration = Duration::from_secs(1);

/// The stream's name in the file names of [`RecordConnect`].
const STREAM: &str = "a";

/// A tee: passes all frames through and writes them to a tape, without their secrets, on a separate thread. It omits
/// JPEG previews unless requested, since a replay doesn't need them.
///
/// A tape that can't be written never breaks the run: the first error is kept and logged as a warning, and writing
/// stops.
#[derive(Debug)]
pub struct Record<S, W = File> {
    source: S,
    /// `None` once it has failed or is complete.
    tape: Arc<Mutex<Option<TapeWriter<W>>>>,
    is_over: bool,
    session: Arc<Session>,
    /// When this connection was opened, relative to the start of the recording.
    opened: Duration,
    last: Duration,
    keeps_previews: bool,
    last_preview: Option<Duration>,
}

/// Records each connection of another connector as `ws-a1.jsonl`, `ws-a2.jsonl` and so on in a folder.
#[derive(Debug)]
pub struct RecordConnect<C> {
    inner: C,
    folder: PathBuf,
    session: Arc<Session>,
    keeps_previews: bool,
    opened: AtomicUsize,
}

/// State shared by all parts of a recording.
#[derive(Debug)]
pub(crate) struct Session {
    began: Instant,
    kept: Arc<Kept>,
    background: Background,
}

/// The state of the writing thread.
#[derive(Debug)]
pub(crate) struct Kept {
    redactor: RwLock<Redactor>,
    failure: OnceLock<Error>,
}

impl<S: FrameSource, W: Write + Send + 'static> Record<S, W> {
    /// Records a source that has just been opened.
    pub fn new(source: S, tape: TapeWriter<W>, redactor: Redactor) -> Self {
        Self::part_of(Session::new(redactor), source, tape)
    }

    /// Keeps one JPEG preview a second.
    #[must_use]
    pub fn keep_previews(self, wanted: bool) -> Self {
        Self { keeps_previews: wanted, ..self }
    }

    /// The error that stopped the writing, if any. Waits until everything so far is written.
    pub fn failure(&self) -> Option<&Error> {
        self.session.failure()
    }

    fn part_of(session: Arc<Session>, source: S, tape: TapeWriter<W>) -> Self {
        // Uses the same clock as HTTP, so that frames and HTTP responses keep their order.
        let opened = source.opened().unwrap_or_else(Instant::now).saturating_duration_since(session.began);
        let tape = Arc::new(Mutex::new(Some(tape)));
        Self {
            source,
            tape,
            is_over: false,
            session,
            opened,
            last: Duration::ZERO,
            keeps_previews: false,
            last_preview: None,
        }
    }

    fn write(&mut self, at: Duration, dir: Direction, kind: RowKind, body: Option<Body>) {
        self.last = at;
        if self.is_over {
            return;
        }
        let (t_ms, at_ms) = (ms(at), ms(self.opened + at));
        let size = match &body {
            Some(Body::Text(text)) => text.len(),
            Some(Body::Binary(bytes)) => bytes.len(),
            None => 0,
        };
        let tape = Arc::clone(&self.tape);
        self.session.background(size, move |kept| {
            let mut tape = tape.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(open) = &mut *tape else { return };
            let row = Row { t_ms, at_ms, dir, kind, body: body.map(|body| kept.redact(body)) };
            if let Err(error) = open.write(&row) {
                kept.fail(error);
                *tape = None;
            }
        });
    }

    /// Whether to skip a frame: an unrequested preview, or one that arrives too early. PNGs may be results
    /// (`SaveImageWebsocket`).
    fn is_left_out(&mut self, frame: &Frame) -> bool {
        let is_preview = matches!(&frame.body, Body::Binary(bytes) if is_jpeg_preview(bytes));
        if !is_preview || !self.keeps_previews {
            return is_preview;
        }
        let is_early = self.last_preview.is_some_and(|last| frame.at.saturating_sub(last) < PREVIEWS);
        if !is_early {
            self.last_preview = Some(frame.at);
        }
        is_early
    }

    fn note(&mut self, dir: Direction, kind: RowKind, note: Option<String>) {
        self.write(self.last, dir, kind, note.map(|note| Body::Text(note.into())));
    }

    /// Writes the last row; later ends are ignored.
    fn end(&mut self, kind: RowKind, note: Option<String>) {
        self.note(Direction::In, kind, note);
        self.is_over = true;
        let tape = Arc::clone(&self.tape);
        self.session.background(0, move |_| _ = tape.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// Whether a binary message is a preview (event 1 or 4) whose image is a JPEG.
fn is_jpeg_preview(message: &[u8]) -> bool {
    matches!(decode_binary(message), Binary::Preview { mime: "image/jpeg", .. })
}

#[async_trait]
impl<S: FrameSource, W: Write + Send + 'static> FrameSource for Record<S, W> {
    async fn next_frame(&mut self) -> Result<Option<Frame>, Error> {
        self.session.background.room().await;
        let result = self.source.next_frame().await;
        // No await from here on, so a frame taken from the source is always passed on.
        match &result {
            Ok(Some(frame)) if self.is_left_out(frame) => {}
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
        if !self.is_over {
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
        Self { inner, folder, session, keeps_previews: false, opened: AtomicUsize::new(0) }
    }

    /// Keeps one JPEG preview a second.
    #[must_use]
    pub fn keep_previews(self, wanted: bool) -> Self {
        Self { keeps_previews: wanted, ..self }
    }

    /// The error that stopped the writing of a connection, if any. Waits until everything so far is written.
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
                let record = Record::part_of(self.session.clone(), source, tape);
                let mut record = record.keep_previews(self.keeps_previews);
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
        let kept = Arc::new(Kept { redactor: RwLock::new(redactor), failure: OnceLock::new() });
        Arc::new(Self { began: Instant::now(), kept, background: Background::new() })
    }

    /// Redacts or writes this many bytes, without delaying the run.
    pub(crate) fn background(&self, size: usize, work: impl FnOnce(&Kept) + Send + 'static) {
        let kept = Arc::clone(&self.kept);
        self.background.run(size, move || work(&kept));
    }

    pub(crate) fn ms_at(&self, moment: Instant) -> f64 {
        ms(moment.saturating_duration_since(self.began))
    }

    /// Waits until everything so far is written.
    pub(crate) fn failure(&self) -> Option<&Error> {
        if !self.background.settle(LAST_WRITES) {
            self.kept.fail(Error::new(ErrorKind::Io, say!("the recording is still being written")));
        }
        self.kept.failure.get()
    }

    pub(crate) fn fail(&self, error: Error) {
        self.kept.fail(error);
    }

    pub(crate) fn note(&self, name: &str, written: io::Result<()>) {
        self.kept.note(name, written);
    }

    pub(crate) fn learn(&self, lesson: impl FnOnce(&mut Redactor)) {
        lesson(&mut self.kept.redactor.write().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn redact_text(&self, text: &str) -> String {
        self.kept.redact_text(text)
    }
}

impl Kept {
    /// Keeps the first error, and logs only that one.
    pub(crate) fn fail(&self, error: Error) {
        let text = error.to_string();
        if self.failure.set(error).is_ok() {
            tracing::warn!(error = text, "the recording is not complete");
        }
    }

    /// Notes whether a file of the recording was written.
    pub(crate) fn note(&self, name: &str, written: io::Result<()>) {
        if let Err(error) = written {
            self.fail(Error::file(Path::new(name), say!("cannot be recorded"), error));
        }
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
        assert!(record.failure().is_none());
        assert!((disk.tape().rows[0].at_ms - 50.0).abs() < 0.001, "{:?}", disk.tape().rows);
    }

    #[tokio::test]
    async fn every_frame_is_on_the_tape() {
        let disk = Disk::new(usize::MAX);
        let binary = Body::Binary(b"\0\0\0\x03hunter2".as_slice().into());
        let mut source = record(vec![Body::Text("I am hunter2".into()), binary.clone()], &disk);
        let frame = source.next_frame().await.unwrap().unwrap();
        assert_eq!(frame.body, Body::Text("I am hunter2".into()));
        assert!(source.failure().is_none(), "all is written");
        assert_eq!(disk.tape().rows.len(), 1);
        assert_eq!(source.next_frame().await.unwrap().unwrap().body, binary);
        source.close().await;
        source.close().await;
        assert_eq!(source.next_frame().await.unwrap(), None);
        assert!(source.failure().is_none(), "all is written");

        let rows = disk.tape().rows;
        let kinds: Vec<_> = rows.iter().map(|row| (row.dir, row.kind)).collect();
        let expected =
            [(In, RowKind::Text), (In, RowKind::Binary), (Out, RowKind::Close), (In, RowKind::Eof)];
        assert_eq!(kinds, expected);
        assert_eq!(rows[0].frame().unwrap().body, Body::Text("I am ***".into()));
        assert_eq!(rows[1].frame().unwrap().body, Body::Binary(b"\0\0\0\x03*******".as_slice().into()));
        assert_eq!(rows[0].at().as_micros(), 500);
    }

    /// A message as ComfyUI sends a preview (event 1): 1 is a JPEG, 2 a PNG.
    fn preview(kind: u8, image: &[u8]) -> Body {
        Body::Binary([&[0, 0, 0, 1, 0, 0, 0, kind], image, &[0; 64]].concat().into())
    }

    #[tokio::test]
    async fn no_preview_is_recorded_or_one_a_second_and_every_result() {
        let (jpeg, png) = (preview(1, b"\xff\xd8\xff"), preview(2, b"\x89\x50\x4e\x47"));
        let mut all = Vec::new();
        for at in 0..40_u32 {
            let at = f64::from(at) * 100.0;
            let row = |body: &Body| Row {
                t_ms: at,
                at_ms: at,
                dir: In,
                kind: RowKind::Binary,
                body: Some(body.clone()),
            };
            all.extend([row(&jpeg), row(&png)]);
        }
        for (are_wanted, previews) in [(false, 0), (true, 4)] {
            let disk = Disk::new(usize::MAX);
            let source = Replay::new(all.clone(), Speed::Max);
            let source = Record::new(source, TapeWriter::new(disk.clone()).unwrap(), Redactor::new());
            let mut source = source.keep_previews(are_wanted);
            let mut passed = 0;
            while source.next_frame().await.unwrap().is_some() {
                passed += 1;
            }
            assert!(source.failure().is_none());
            let rows = disk.tape().rows;
            let count = |body: &Body| rows.iter().filter(|row| row.body.as_ref() == Some(body)).count();
            assert_eq!((passed, count(&jpeg), count(&png)), (80, previews, 40));
        }
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
