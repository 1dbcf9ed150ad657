//! A live block on a terminal, with finished items above it.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    time::Duration,
};

use anstyle::{AnsiColor, Style};
use runninghub::{
    Connection, ConnectionState, Event as RunEvent, Line, NodeId, NodeState, Outcome, Output, Phase,
    Sentence, TaskId, Transfer, Untrusted, Verdict, say,
};
use runninghub_batch::ItemState;

use super::{
    Reporter,
    answer::Answers,
    batch, batch_frame,
    frame::{self, FileView, View},
    many::Many,
    text,
};
#[cfg(feature = "preview")]
use crate::{args::Shown, picture::PreviewRenderer};
use crate::{
    cells,
    event::{BatchProgress, Event},
    glyph::sure,
    lang,
    live::Live,
    printer::Printer,
    terminal,
    window::{self, Window, linked},
};

/// Where remarks begin, if the window is wide enough.
const REMARK_COLUMN: usize = 60;
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const DIM: Style = Style::new().dimmed();

/// The reporter for a terminal.
#[derive(Debug)]
pub(crate) struct Human {
    printer: Printer,
    live: Live,
    window: Window,
    view: View,
    /// When the snapshot arrived, and the run's elapsed time in it: the clock continues between snapshots.
    measured: Option<(Duration, Duration)>,
    /// The last known size of the terminal, in columns and rows.
    size: (usize, usize),
    stale_since: Option<Duration>,
    connection: Option<Connection>,
    /// Files being transferred, each since a time.
    moving: Vec<(Transfer, Duration)>,
    /// The progress of a batch, which is shown instead of a run.
    batch: Option<BatchProgress>,
    /// Several runs, which are shown instead of one.
    many: Option<Many>,
    answers: Answers,
    /// The names of the nodes, with the id where titles are equal.
    titles: HashMap<NodeId, String>,
    /// Finished nodes without a separate line.
    folded: Folded,
    #[cfg(feature = "preview")]
    renderer: PreviewRenderer,
}

#[derive(Debug, Default)]
struct Folded {
    cached: usize,
    quick: usize,
}

impl Human {
    /// A reporter that starts with the first event.
    pub(crate) fn new(printer: Printer) -> Self {
        Self {
            printer,
            live: Live::new(printer),
            window: Window::new(printer),
            view: View::default(),
            measured: None,
            size: terminal::size(),
            stale_since: None,
            connection: None,
            moving: Vec::new(),
            batch: None,
            many: None,
            answers: Answers::default(),
            titles: HashMap::new(),
            folded: Folded::default(),
            #[cfg(feature = "preview")]
            renderer: PreviewRenderer::default(),
        }
    }

    fn draw(&mut self, t: Duration) {
        if !self.live.is_due() {
            return;
        }
        let lines = self.lines(t);
        #[cfg(feature = "preview")]
        if self.live.is_image_due()
            && let Some(image) = self.renderer.image(self.size)
        {
            self.live.set_image(image);
        }
        self.live.draw(lines);
        let is_waiting = self.view.waiting.is_some();
        self.window.progress(match &self.batch {
            Some(batch) => Some(batch.percent / 100.0),
            None => self.view.progress.overall.filter(|_| !is_waiting),
        });
    }

    /// The name of a node.
    fn name(&self, id: &NodeId, title: &Untrusted) -> String {
        self.titles.get(id).cloned().unwrap_or_else(|| title.to_string())
    }

    fn lines(&mut self, t: Duration) -> Vec<String> {
        self.view.elapsed = self.measured.map_or(t, |(at, elapsed)| elapsed + t.saturating_sub(at));
        self.view.connection = self.connection.and_then(|connection| {
            let state = match connection.state {
                ConnectionState::Live => return None,
                ConnectionState::Stale => {
                    let silent = text::clock(t.saturating_sub(self.stale_since.unwrap_or(t)));
                    return Some(say!("stale for {silent}, polling over HTTP", silent));
                }
                ConnectionState::Connecting => say!("connecting"),
                ConnectionState::Reconnecting => say!("reconnecting"),
                _ => say!("polling"),
            };
            Some(match connection.attempt {
                attempt @ 2.. => say!("{state} (attempt {attempt})", state, attempt),
                _ => state,
            })
        });
        let size @ (columns, rows) = terminal::size();
        if std::mem::replace(&mut self.size, size) != size {
            self.live.invalidate();
            #[cfg(feature = "preview")]
            self.renderer.again();
        }
        if let Some(many) = &self.many {
            return many.lines(t, columns, rows, self.printer);
        }
        match &self.batch {
            Some(progress) => batch_frame::lines(progress, columns, rows, self.printer),
            None => frame::lines(&self.view, columns, rows, self.printer),
        }
    }

    /// Prints a line above the block, cut to the window's width. The remarks of all lines begin in one column.
    fn above(&mut self, mark: (Style, &str), words: &str, remark: &str) {
        let (columns, _) = terminal::size();
        let room = columns.saturating_sub(cells::width(remark) + 5);
        let words = if remark.is_empty() {
            cells::fit(words, room)
        } else {
            cells::pad(words, room.min(REMARK_COLUMN))
        };
        let line =
            format!("{} {words}  {}", self.printer.paint(mark.0, mark.1), self.printer.paint(DIM, remark));
        self.live.above(line.trim_end());
    }

    fn node(&mut self, name: &str, state: NodeState, elapsed: Option<Duration>) {
        let took = elapsed.map(text::seconds).unwrap_or_default();
        let has_line = self.printer.is_verbose() || elapsed.is_some_and(|elapsed| elapsed >= text::QUICK);
        match state {
            NodeState::Done if has_line => self.above((GOOD, "✓"), name, &took),
            NodeState::Done => self.folded.quick += 1,
            NodeState::Cached if self.printer.is_verbose() => {
                self.above((DIM, "•"), name, &lang::word(&say!("cached")));
            }
            NodeState::Cached => self.folded.cached += 1,
            NodeState::Failed => self.above((BAD, "✗"), name, &lang::word(&say!("failed"))),
            _ => {}
        }
    }

    fn finished(&mut self, t: Duration, end: &runninghub::End) {
        self.connection = None;
        self.view.progress.current.clear();
        self.view.progress.eta = None;
        let folded = std::mem::take(&mut self.folded).words();
        if let Some(words) = folded {
            self.above((DIM, "•"), &lang::word(&words), "");
        }
        self.leave(t);
        let (status, cause) = (end.phase.into(), end.failure.as_ref());
        let words = text::ended(status, cause);
        let words = match cause.and_then(|cause| cause.hint.clone()) {
            Some(cure) if status == Verdict::Failed => {
                say!("{failure}\n  Try this: {cure}", failure = words, cure)
            }
            _ => words,
        };
        let mark = mark(status, self.printer);
        self.printer.line(&format!("{mark} {}", lang::word(&words)));
    }

    fn leave(&mut self, t: Duration) {
        // Before the first progress there is no useful block to keep, and the last one is kept once.
        if self.measured.is_some() {
            let lines = self.lines(t);
            self.live.leave(lines);
        } else {
            self.live.clear();
        }
        window::reset();
        self.measured = None;
        self.view.waiting = None;
        self.moving.clear();
        self.view.files.clear();
    }

    fn transfer(&mut self, t: Duration, transfer: &Transfer) {
        let is_same = |file: &Transfer| (file.direction, &file.name) == (transfer.direction, &transfer.name);
        match self.moving.iter_mut().find(|(file, _)| is_same(file)) {
            Some((file, _)) => *file = transfer.clone(),
            None => self.moving.push((transfer.clone(), t)),
        }
        // While nodes run, the totals show them.
        if self.measured.is_none() {
            let files: Vec<Transfer> = self.moving.iter().map(|(file, _)| file.clone()).collect();
            self.view.waiting = Some(text::transfers(&files));
        }
        self.moving.retain(|(file, _)| !file.is_over);
        let files = self.moving.iter().map(|(file, since)| FileView::new(file, t.saturating_sub(*since)));
        self.view.files = files.collect();
    }

    fn output(&mut self, output: &Output) {
        self.live.clear();
        let title = output.node_id.as_ref().and_then(|id| self.titles.get(id));
        let title = title.map(|title| format!("{title}  ")).unwrap_or_default();
        if let (Some(saved), Some(path)) = (text::saved(output), &output.path) {
            let dimensions = text::dimensions(output).map(|size| format!("  {size}")).unwrap_or_default();
            let mark = self.printer.paint(GOOD, &sure("↓"));
            let saved = linked(&saved, Path::new(path));
            self.printer.line(&format!("  {mark} {title}{saved}{}", sure(&dimensions)));
        } else if let Some(text) = &output.text {
            self.printer.line(&format!("  {} {title}", self.printer.paint(GOOD, &sure("›"))));
            text.lines().for_each(|line| self.printer.line(&format!("    {}", Untrusted::from(line))));
        } else {
            let link = output.url.as_ref().map(text::short_link).unwrap_or_default();
            self.printer.line(&format!("  {} {title}{link}", self.printer.paint(DIM, &sure("›"))));
        }
    }

    fn result(&mut self, t: Duration, outcome: &Outcome) {
        self.leave(t);
        if outcome.status == Verdict::Failed && outcome.outputs.iter().all(|output| output.path.is_none()) {
            self.printer.line(&format!("  {}", lang::word(&say!("Nothing was saved"))));
        }
        let is_over = matches!(outcome.status, Verdict::Success | Verdict::Failed | Verdict::Cancelled);
        if is_over && outcome.api_calls > 0 {
            let calls = match outcome.api_calls {
                1 => say!("1 API call"),
                count => say!("{count} API calls", count),
            };
            let mut line = format!("  {} · {}", text::clock(outcome.elapsed), lang::word(&calls));
            if let Some(cost) = outcome.cost.as_ref().and_then(text::cost) {
                line = format!("{line} · {}", lang::word(&cost));
            }
            self.printer.line(&self.printer.paint(DIM, &sure(&line)));
        }
    }

    /// Shows an event of one of several runs. Only the command's own result has no task.
    fn one_of_many(&mut self, line: &Line<Event>, event: &RunEvent) {
        let (Some(many), Some(task)) = (&mut self.many, &line.task_id) else {
            let lines = self.lines(line.t);
            self.live.leave(lines);
            window::reset();
            self.many = None;
            return;
        };
        let above = many.see(task, event, self.printer);
        for text in &above {
            self.live.above(text);
        }
        self.draw(line.t);
    }

    /// Shows an event of a run; returns whether to redraw the block.
    fn run(&mut self, t: Duration, event: &RunEvent) -> bool {
        match event {
            RunEvent::Submitted(task) => {
                let words = say!("Task {task} submitted", task = &task.task_id);
                self.printer.line(&format!(
                    "{} {}",
                    self.printer.paint(GOOD, &sure("✓")),
                    lang::word(&words)
                ));
                self.view.waiting = Some(say!("submitted"));
            }
            // Once nodes run, their bars say more.
            RunEvent::Status { status, ahead, .. } if !status.is_over() && self.measured.is_none() => {
                self.view.waiting = Some(text::status(status, *ahead));
            }
            RunEvent::Connection(connection) => {
                self.stale_since = (connection.state == ConnectionState::Stale).then_some(t);
                self.connection = Some(*connection);
            }
            RunEvent::Progress(progress) => {
                // Until a node runs, the queue position is more useful than a row of zeros.
                if progress.phase != Phase::Queued && progress.phase != Phase::Waiting {
                    self.view.waiting = None;
                    self.measured = Some((t, progress.elapsed));
                }
                self.view.progress = progress.clone();
                for node in &mut self.view.progress.current {
                    if let Some(name) = self.titles.get(&node.id) {
                        node.title = name.as_str().into();
                    }
                }
            }
            RunEvent::Node { id, title, state, elapsed, .. } => {
                self.node(&self.name(id, title), *state, *elapsed);
            }
            RunEvent::Text { node_id, title, text } => {
                let node = self.name(node_id, &title.clone().unwrap_or_else(|| node_id.as_str().into()));
                self.above((DIM, "›"), &format!("{node}: {text}"), "");
            }
            RunEvent::Warning { message, .. } => {
                self.above((AnsiColor::Yellow.on_default(), "!"), &lang::word(message), "");
            }
            RunEvent::Plan(plan) => {
                let (mut seen, mut doubles) = (HashSet::new(), HashSet::new());
                for node in plan.nodes() {
                    if !seen.insert(node.title.raw()) {
                        doubles.insert(node.title.raw());
                    }
                }
                let name = |title: &Untrusted, id: &NodeId| {
                    let id = doubles.contains(title.raw()).then(|| Untrusted::from(id.as_str()));
                    id.map_or_else(|| title.to_string(), |id| format!("{title} #{id}"))
                };
                let nodes = plan.nodes().iter();
                self.titles = nodes.map(|node| (node.id.clone(), name(&node.title, &node.id))).collect();
            }
            #[cfg(feature = "preview")]
            RunEvent::Preview { data, .. } => self.renderer.offer(data),
            RunEvent::Transfer(transfer) => self.transfer(t, transfer),
            RunEvent::Finished(end) => {
                self.finished(t, end);
                return false;
            }
            RunEvent::Output(output) => {
                self.output(output);
                return false;
            }
            RunEvent::Result(outcome) => {
                self.result(t, outcome);
                return false;
            }
            _ => {}
        }
        true
    }
}

/// The mark of a task that ended like this.
pub(super) fn mark(status: Verdict, printer: Printer) -> String {
    match status {
        Verdict::Success => printer.paint(GOOD, &sure("✓")),
        Verdict::Running => printer.paint(DIM, "?"),
        _ => printer.paint(BAD, &sure("✗")),
    }
}

impl Folded {
    fn words(self) -> Option<Sentence> {
        let cached = say!("{nodes} from the cache", nodes = text::nodes(self.cached));
        let quick = say!("{nodes} in less than 0.5 s", nodes = text::nodes(self.quick));
        match (self.cached, self.quick) {
            (0, 0) => None,
            (_, 0) => Some(cached),
            (0, _) => Some(quick),
            _ => Some(say!("{first}, {next}", first = cached, next = quick)),
        }
    }
}

impl Reporter for Human {
    fn show(&mut self, line: &Line<Event>) {
        match &line.event {
            Event::Run(event) if self.many.is_some() => self.one_of_many(line, event),
            Event::Run(event) if !text::is_answer(event) => {
                if self.run(line.t, event) {
                    self.draw(line.t);
                }
            }
            Event::Notice { message, .. } if self.batch.is_some() => {
                self.above((AnsiColor::Yellow.on_default(), "!"), &lang::word(message), "");
                self.draw(line.t);
            }
            Event::Notice { message, .. } => {
                self.live.clear();
                let mark = self.printer.paint(AnsiColor::Yellow.on_default(), "!");
                self.printer.line(&format!("{mark} {}", lang::word(message)));
            }
            Event::BatchProgress(progress) => {
                self.batch = Some(progress.clone());
                self.draw(line.t);
            }
            Event::BatchOver(_) if self.batch.is_some() => {
                let lines = self.lines(line.t);
                self.live.leave(lines);
                self.batch = None;
                self.answers.lines(line).iter().for_each(|line| self.printer.line(line));
            }
            Event::BatchRow(row) if row.state == ItemState::Running => {}
            Event::BatchRow(row) => batch::fate(row).iter().for_each(|line| self.live.above(line)),
            _ => {
                self.live.clear();
                for line in self.answers.lines(line) {
                    self.printer.line(&line);
                }
            }
        }
    }

    fn wait(&mut self, t: Duration, words: &Sentence) -> bool {
        self.view.waiting = Some(words.clone());
        self.draw(t);
        true
    }

    fn watch_many(&mut self, tasks: &[TaskId]) {
        self.many = Some(Many::new(tasks));
    }

    fn tick(&mut self, t: Duration) {
        if self.many.is_some() || self.view.waiting.is_some() || self.measured.is_some() {
            self.draw(t);
        }
    }

    #[cfg(feature = "preview")]
    fn show_previews(&mut self, how: Shown) {
        self.renderer = PreviewRenderer::new(how.preview, self.printer.has_color());
    }

    #[cfg(feature = "preview")]
    fn wants_previews(&self) -> bool {
        self.renderer.is_wanted()
    }

    fn release(&mut self) {
        window::reset();
        self.live.clear();
    }
}
