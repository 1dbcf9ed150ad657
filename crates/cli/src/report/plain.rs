//! One line per event, in the seed document's format.

use std::{collections::HashMap, time::Duration};

use runninghub::{
    ConnectionState, CurrentNode, Direction, Event as RunEvent, Fact, Failure, Line, NodeState, Outcome,
    Output, Sentence, TaskId, TaskStatus, Transfer, Untrusted, Verdict, say,
};

use super::{Reporter, answer::Answers, batch, text};
use crate::{
    event::{BatchProgress, Event},
    lang,
    printer::Printer,
    writer::Passing,
};

/// Ongoing work is reported this often.
const SPACING: Duration = Duration::from_secs(10);
/// Progress by this share of the total is reported at once.
const STRIDE: f64 = 0.1;
/// Verbose: nine progress lines a second, so that the last one, which is always printed, is the tenth at most.
const VERBOSE_SPACING: Duration = Duration::from_millis(112);

/// A progress line that was written.
#[derive(Debug)]
struct Shown {
    words: Sentence,
    overall: Option<f64>,
    at: Duration,
}

/// The reporter for plain lines.
#[derive(Debug)]
pub(crate) struct Plain {
    printer: Printer,
    /// The last line written, which is not repeated.
    last: String,
    /// The newest progress, held back by the rate limit, and its share of the whole.
    pending: Option<(Sentence, Option<f64>)>,
    /// The last progress written, possibly some lines ago.
    shown: Option<Shown>,
    /// The last status written, and its time.
    status: Option<(TaskStatus, Option<u64>, Duration)>,
    /// Whole percent, settled nodes and the current node of the last progress that was printed.
    heard: Option<(Option<f64>, usize, Option<CurrentNode>)>,
    was_live: bool,
    saved: usize,
    /// When each file in transfer began, or was last reported.
    moving: HashMap<(Direction, String), Duration>,
    /// The last tenth of a batch that was reported.
    tenth: Option<u32>,
    answers: Answers,
    /// Precedes each line: the task, if there are several.
    prefix: String,
    /// A reporter for each of several tasks.
    each: Option<HashMap<TaskId, Plain>>,
}

impl Plain {
    /// A reporter that starts at once.
    pub(crate) fn new(printer: Printer) -> Self {
        Self {
            printer,
            last: String::new(),
            pending: None,
            shown: None,
            status: None,
            heard: None,
            was_live: false,
            saved: 0,
            moving: HashMap::new(),
            tenth: None,
            answers: Answers::default(),
            prefix: String::new(),
            each: None,
        }
    }

    /// A reporter for one of several tasks.
    fn of(printer: Printer, task: &TaskId) -> Self {
        Self { prefix: format!("[{}] ", Untrusted::from(task.as_str())), ..Self::new(printer) }
    }

    /// Prints a line of the result.
    fn say(&mut self, words: &Sentence) {
        self.print(lang::word(words));
    }

    fn print(&mut self, line: String) {
        if line != self.last {
            self.printer.line(&format!("{}{line}", self.prefix));
            self.last = line;
        }
    }

    /// Prints a line about the run's progress that a newer line of its kind replaces if the reader lags.
    fn pass(&mut self, kind: Passing, words: &Sentence) {
        let line = lang::word(words);
        if line != self.last && !self.prefix.is_empty() {
            // A newer line of the kind may be about another task.
            self.printer.line(&format!("{}{line}", self.prefix));
            self.last = line;
        } else if line != self.last {
            self.printer.passing(kind, &line);
            self.last = line;
        }
    }

    fn spacing(&self) -> Duration {
        if self.printer.is_verbose() { VERBOSE_SPACING } else { SPACING }
    }

    fn flush(&mut self, t: Duration, is_last: bool) {
        let Some((words, overall)) = &self.pending else { return };
        let is_due = self.shown.as_ref().is_none_or(|shown| {
            let risen = overall.unwrap_or_default() - shown.overall.unwrap_or_default();
            t.saturating_sub(shown.at) >= self.spacing() || risen >= STRIDE && !self.printer.is_verbose()
        });
        let is_new = self.shown.as_ref().is_none_or(|shown| shown.words != *words);
        if is_last || is_due {
            let (words, overall) = (words.clone(), *overall);
            self.pending = None;
            if is_new {
                self.pass(Passing::Progress, &words);
                self.shown = Some(Shown { words, overall, at: t });
            }
        }
    }

    /// A batch reports each tenth.
    fn batch(&mut self, progress: &BatchProgress) {
        let tenth = (0..=10).rev().find(|tenth| f64::from(*tenth) * 10.0 <= progress.percent);
        if self.tenth != tenth {
            self.tenth = tenth;
            self.pass(Passing::Progress, &batch::progress(progress));
        }
    }

    fn connection(&mut self, connection: runninghub::Connection) {
        let attempt = connection.attempt;
        let words = match (connection.state, self.was_live) {
            (ConnectionState::Live, false) => say!("📊 Progress monitoring started..."),
            (ConnectionState::Live, true) => say!("📊 Progress monitoring resumed..."),
            (ConnectionState::Reconnecting, true) => {
                say!("🔌 Connection lost, reconnecting (attempt {attempt})...", attempt)
            }
            (ConnectionState::Reconnecting, false) => {
                say!("🔌 Not connected yet, retrying (attempt {attempt})...", attempt)
            }
            (ConnectionState::Stale, _) => say!("🔌 The socket is silent, polling over HTTP..."),
            (ConnectionState::Polling, true) => say!("🔌 The socket is closed, polling over HTTP..."),
            _ => return,
        };
        self.was_live |= connection.state == ConnectionState::Live;
        self.pass(Passing::Connection, &words);
    }

    fn ended(&mut self, status: Verdict, cause: Option<&Failure>) {
        match status {
            Verdict::Success => self.say(&say!("🎉 Task completed!")),
            Verdict::Cancelled => self.say(&say!("🛑 Task cancelled")),
            Verdict::Running => self.say(&say!("🔌 {why}", why = text::no_end())),
            _ => {
                self.say(&say!("❌ {failure}", failure = text::failure(say!("Task failed"), cause)));
                if let Some(cure) = cause.and_then(|cause| cause.hint.as_ref()) {
                    self.say(&say!("💡 Try this: {cure}", cure));
                }
            }
        }
    }

    fn finished(&mut self, end: &runninghub::End) {
        self.ended(end.phase.into(), end.failure.as_ref());
        if !end.outputs.is_empty() {
            self.say(&say!("📄 Generation results:"));
        }
        for (number, output) in (1_usize..).zip(&end.outputs) {
            let output = text::output(&output.clone().into());
            self.say(&say!("  Result {number}: {output}", number, output));
        }
    }

    /// A long transfer is reported from time to time, and an upload also at its end; a finished download is reported as
    /// saved.
    fn transfer(&mut self, t: Duration, transfer: &Transfer) {
        let id = (transfer.direction, transfer.name.clone());
        let since = *self.moving.entry(id.clone()).or_insert(t);
        let is_due = t.saturating_sub(since) >= self.spacing();
        if transfer.is_over {
            self.moving.remove(&id);
        } else if is_due {
            self.moving.insert(id, t);
        }
        let is_worth = match transfer.direction {
            _ if !transfer.is_over => is_due,
            Direction::Up => true,
            Direction::Down => self.printer.is_verbose(),
        };
        if is_worth {
            let arrow = if transfer.direction == Direction::Up { "⬆️" } else { "⬇️" };
            let transfer = text::transfers(std::slice::from_ref(transfer));
            self.pass(Passing::Transfer, &say!("{arrow} {transfer}", arrow, transfer));
        }
    }

    fn output(&mut self, output: &Output) {
        if let Some(file) = text::saved(output) {
            self.saved += 1;
            self.say(&say!("💾 Saved {file}", file));
        }
    }

    fn result(&mut self, t: Duration, outcome: &Outcome) {
        self.flush(t, true);
        if !self.prefix.is_empty() {
            // Of several tasks only the results are known here.
            self.ended(outcome.status, outcome.failure.as_ref());
        }
        if outcome.status == Verdict::Failed && self.saved == 0 {
            self.say(&say!("💾 Nothing was saved"));
        }
        if let Some(cost) = outcome.cost.as_ref().and_then(text::cost) {
            self.say(&say!("💰 Cost: {cost}", cost));
        }
    }

    fn run(&mut self, t: Duration, event: &RunEvent) {
        match event {
            RunEvent::Submitted(task) => {
                let task = &task.task_id;
                self.say(&say!("✅ Task initiated successfully, taskId: {task}", task));
            }
            RunEvent::Plan(plan) => self.print(text::node_map(plan)),
            RunEvent::Status { status, waited, poll, ahead } if !status.is_over() => {
                let is_old = self.status.as_ref().is_some_and(|(was, was_ahead, at)| {
                    was == status && was_ahead == ahead && t.saturating_sub(*at) < self.spacing()
                });
                if !is_old {
                    self.pass(Passing::Status, &text::poll(*poll, text::status(status, *ahead), *waited));
                    self.status = Some((status.clone(), *ahead, t));
                }
            }
            RunEvent::Socket { url } => {
                self.say(&say!("✅ WSS obtained successfully: {url}", url = url.masked()));
            }
            RunEvent::Connection(connection) => self.connection(*connection),
            RunEvent::Progress(progress) => {
                // Elapsed time alone moves the estimate: print a line for each whole percent.
                let points = progress.overall.map(|fraction| (fraction * 100.0).floor());
                let news = (points, progress.done, progress.current.first().cloned());
                if self.heard.as_ref() != Some(&news) {
                    self.heard = Some(news);
                    let words = say!("📈 {progress}", progress = text::progress(progress));
                    self.pending = Some((words, progress.overall));
                }
            }
            RunEvent::Node { title, state: NodeState::Cached, .. } => {
                self.say(&say!("📌 Node {title} (completed from cache)", title));
            }
            RunEvent::Node { title, state: NodeState::Done, elapsed: Some(elapsed), .. }
                if *elapsed >= text::QUICK || self.printer.is_verbose() =>
            {
                let took = text::seconds(*elapsed);
                self.say(&say!("📌 Node {title} (completed in {took})", title, took));
            }
            RunEvent::Text { node_id, title, text } => {
                let node = title.as_ref().map_or_else(|| Fact::from(node_id), Fact::from);
                self.pass(Passing::Text, &say!("💬 Node {node}: {text}", node, text));
            }
            RunEvent::Warning { message, .. } => self.say(&say!("⚠️ {message}", message)),
            RunEvent::Finished(end) => {
                self.flush(t, true);
                self.finished(end);
            }
            // File progress does not flush pending progress.
            RunEvent::Transfer(transfer) => return self.transfer(t, transfer),
            RunEvent::Output(output) => return self.output(output),
            RunEvent::Result(outcome) => return self.result(t, outcome),
            _ => {}
        }
        self.flush(t, false);
    }
}

impl Reporter for Plain {
    fn show(&mut self, line: &Line<Event>) {
        if let (Some(each), Some(task)) = (&mut self.each, &line.task_id) {
            return each.entry(task.clone()).or_insert_with(|| Self::of(self.printer, task)).show(line);
        }
        match &line.event {
            Event::Run(event) if !text::is_answer(event) => self.run(line.t, event),
            Event::Notice { message, .. } => self.say(&say!("⚠️ {message}", message)),
            Event::BatchProgress(progress) => self.batch(progress),
            _ => self.answers.lines(line).iter().for_each(|line| self.printer.line(line)),
        }
    }

    fn watch_many(&mut self, _tasks: &[TaskId]) {
        self.each = Some(HashMap::new());
    }

    fn tick(&mut self, t: Duration) {
        self.flush(t, false);
        self.each.iter_mut().flat_map(HashMap::values_mut).for_each(|one| one.flush(t, false));
    }
}
