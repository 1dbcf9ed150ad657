//! Reads files of published event lines, for replays.

use std::{
    fs::{self, File},
    io::Read as _,
    path::Path,
    time::Duration,
};

use runninghub_core::{End, Event, Line, Output, OutputFile, Phase, Progress, Verdict, say};

use crate::{Error, ErrorKind};

/// Maximum file size, bytes: ten lines a second for half a day.
const MAX_FILE: u64 = 256 << 20;
/// The start of every line, in any version of the format.
const START: [u8; 22] = *br#"{"schema":"rhub.event/"#;

/// The lines of each run in a file; `None` if the file is of another kind.
///
/// # Errors
/// When the file cannot be read, is too large, or one of its lines is not an event of this version. A
/// truncated last line becomes a warning at the end.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<Vec<Line>>>, Error> {
    let mut start = START.map(|_| 0);
    let length = match fs::metadata(path) {
        Ok(meta) if meta.is_file() => meta.len(),
        _ => return Ok(None),
    };
    let is_short = File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_err();
    if is_short || start != START {
        return Ok(None);
    }
    let unreadable = |error| Error::new(ErrorKind::Io, say!("the file cannot be read")).with_source(error);
    if length > MAX_FILE {
        return Err(Error::new(ErrorKind::Recording, say!("the file is too large to be replayed")));
    }
    let text = String::from_utf8_lossy(&fs::read(path).map_err(unreadable)?).into_owned();
    let mut runs = Runs::default();
    for (number, text) in (1_u64..).zip(text.split_inclusive('\n')) {
        match serde_json::from_str(text) {
            Ok(line) => runs.add(line),
            Err(_) if text.trim().is_empty() => {}
            Err(_) if !text.ends_with('\n') => runs.cut_off(),
            Err(error) => {
                let what = say!("line {number} of the file is not an event", number);
                return Err(Error::new(ErrorKind::Recording, what).with_source(error));
            }
        }
    }
    Ok(Some(runs.finish()))
}

/// Reads lines and restores the facts that the format omits.
#[derive(Default)]
struct Runs {
    done: Vec<Vec<Line>>,
    lines: Vec<Line>,
    polls: u32,
    /// When the first node started.
    begun: Option<Duration>,
    /// Number of lines when the run's stream of events ended, if it was followed.
    stream: Option<usize>,
}

impl Runs {
    fn add(&mut self, mut line: Line) {
        match &mut line.event {
            Event::Status { poll, .. } => {
                self.polls += 1;
                *poll = self.polls;
            }
            Event::Progress(progress) => self.complete(line.t, progress),
            Event::Transfer(transfer) => transfer.is_over = transfer.total == Some(transfer.bytes),
            _ => {}
        }
        let next = self.lines.len() + 1;
        match &line.event {
            Event::Plan(_) | Event::Connection(_) | Event::Progress(_) | Event::Node { .. } => {
                self.stream = Some(next);
            }
            // The output of a single status request has these as well.
            Event::Status { .. } | Event::Text { .. } | Event::Preview { .. } => {
                self.stream = self.stream.map(|_| next);
            }
            Event::Finished(_) => self.stream = None,
            _ => {}
        }
        let is_last = matches!(line.event, Event::Result(_));
        self.lines.push(line);
        if is_last {
            self.end();
        }
    }

    /// Restores the phase and the time, which are not in the file.
    fn complete(&mut self, t: Duration, progress: &mut Progress) {
        if progress.done > 0 || !progress.current.is_empty() {
            self.begun.get_or_insert(t);
        }
        progress.elapsed = self.begun.map_or(Duration::ZERO, |begun| t.saturating_sub(begun));
        progress.phase = match (progress.overall, self.begun) {
            (Some(1.0..), _) => Phase::Success,
            (_, Some(_)) => Phase::Running,
            (_, None) => Phase::Waiting,
        };
    }

    /// Ends a run: its end is reported where its stream ended, as in a live run.
    fn end(&mut self) {
        let Self { mut lines, stream, done, .. } = std::mem::take(self);
        if let (Some(at), Some(last)) = (stream, lines.last())
            && let Event::Result(outcome) = &last.event
            && let Some(phase) = phase(outcome.status, outcome.failure.is_some())
        {
            let mut end = End::default();
            end.phase = phase;
            end.outputs = outcome.outputs.iter().filter(|one| !one.intermediate).map(listed).collect();
            end.failure.clone_from(&outcome.failure);
            let t = lines.get(at.saturating_sub(1)).map_or(last.t, |line| line.t);
            lines.insert(at, Line { t, task_id: last.task_id.clone(), event: Event::Finished(end) });
        }
        self.done = done;
        self.done.push(lines);
    }

    fn cut_off(&mut self) {
        let (t, task_id) =
            self.lines.last().map_or((Duration::ZERO, None), |line| (line.t, line.task_id.clone()));
        let event = Event::warning("cut_off", say!("the file ends in the middle of a line"));
        self.lines.push(Line { t, task_id, event });
    }

    fn finish(mut self) -> Vec<Vec<Line>> {
        if !self.lines.is_empty() {
            self.done.push(self.lines);
        }
        self.done
    }
}

/// How a run ended; `None` if it was not followed to the end.
fn phase(status: Verdict, has_failed: bool) -> Option<Phase> {
    match status {
        Verdict::Success => Some(Phase::Success),
        Verdict::Failed => Some(Phase::Failed),
        Verdict::Cancelled | Verdict::Interrupted => Some(Phase::Interrupted),
        Verdict::Running if !has_failed => Some(Phase::Running),
        _ => None,
    }
}

fn listed(output: &Output) -> OutputFile {
    OutputFile {
        node_id: output.node_id.clone(),
        url: output.url.clone(),
        file_type: output.file_type.clone(),
        text: output.text.clone(),
        data: None,
    }
}
