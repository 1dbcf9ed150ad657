//! One line per event, in the seed document's format.

use std::{collections::HashMap, time::Duration};

use runninghub::{
    ConnectionState, CurrentNode, Direction, Event as RunEvent, Line, NodeState, Outcome, Output, Phase,
    Transfer, Verdict,
};

use super::{Reporter, answer::Answers, text};
use crate::{event::Event, lang, printer::Printer, writer::Passing};

/// Nine progress lines a second, so that the last one, which is always printed, is the tenth at most.
const SPACING: Duration = Duration::from_millis(112);

/// File progress is reported in tenths.
const TENTHS: u64 = 10;
/// The reporting interval in bytes for a file of unknown size.
const UNSIZED: u64 = 10_000_000;

/// The reporter for plain lines.
#[derive(Debug)]
pub(crate) struct Plain {
    printer: Printer,
    /// The last line written, which is not repeated.
    last: String,
    /// The newest progress, held back by the rate limit.
    pending: Option<String>,
    /// The last progress written, possibly some lines ago, and its time.
    shown: String,
    written: Option<Duration>,
    /// Whole percent, settled nodes and the current node of the last progress that was worth a line.
    heard: Option<(Option<f64>, usize, Option<CurrentNode>)>,
    was_live: bool,
    saved: usize,
    /// The last reported bytes of each file in transfer.
    moving: HashMap<(Direction, String), u64>,
    answers: Answers,
}

impl Plain {
    /// A reporter that starts at once.
    pub(crate) fn new(printer: Printer) -> Self {
        Self {
            printer,
            last: String::new(),
            pending: None,
            shown: String::new(),
            written: None,
            heard: None,
            was_live: false,
            saved: 0,
            moving: HashMap::new(),
            answers: Answers::default(),
        }
    }

    /// Prints a line of the result.
    fn say(&mut self, line: String) {
        if line != self.last {
            self.printer.say(&line);
            self.last = line;
        }
    }

    /// Prints a line about the run's progress.
    fn tell(&mut self, line: String) {
        if !self.printer.is_quiet() {
            self.say(line);
        }
    }

    /// Prints a line about the run's progress that a newer line of its kind replaces if the reader lags.
    fn pass(&mut self, kind: Passing, line: String) {
        if !self.printer.is_quiet() && line != self.last {
            self.printer.passing(kind, &lang::say(&line));
            self.last = line;
        }
    }

    fn flush(&mut self, t: Duration, is_last: bool) {
        let is_due = self.written.is_none_or(|at| t.saturating_sub(at) >= SPACING);
        if (is_last || is_due)
            && let Some(line) = self.pending.take()
            && line != self.shown
        {
            self.written = Some(t);
            self.shown.clone_from(&line);
            self.pass(Passing::Progress, line);
        }
    }

    fn connection(&mut self, connection: runninghub::Connection) {
        match (connection.state, self.was_live) {
            (ConnectionState::Live, was_live) => {
                self.was_live = true;
                let begins = if was_live { "resumed" } else { "started" };
                self.pass(Passing::Connection, format!("📊 Progress monitoring {begins}..."));
            }
            (ConnectionState::Reconnecting, was_live) => {
                let what = if was_live {
                    "Connection lost, reconnecting"
                } else {
                    "No connection yet, trying again"
                };
                self.pass(Passing::Connection, format!("🔌 {what} (attempt {})...", connection.attempt));
            }
            (ConnectionState::Stale, _) => {
                self.pass(Passing::Connection, "🔌 No news from the socket, asking over HTTP...".to_owned());
            }
            (ConnectionState::Polling, true) => {
                self.pass(Passing::Connection, "🔌 Socket closed, asking over HTTP...".to_owned());
            }
            _ => {}
        }
    }

    fn finished(&mut self, end: &runninghub::End) {
        match end.phase {
            Phase::Success => self.say("🎉 Task completed!".to_owned()),
            Phase::Interrupted => self.say("🛑 Task cancelled".to_owned()),
            phase if !phase.is_final() => self.say(format!("🔌 {}", text::NO_END)),
            _ => {
                let cause = end.failure.as_ref();
                self.say(format!("❌ Task failed{}", text::failure(cause)));
                if let Some(cure) = cause.and_then(text::cure) {
                    self.say(format!("💡 What may help: {cure}"));
                }
            }
        }
        if !end.outputs.is_empty() {
            self.say("📄 Generation results:".to_owned());
        }
        for (number, output) in (1..).zip(&end.outputs) {
            self.say(format!("  Result {number}: {}", text::output(&output.clone().into())));
        }
    }

    fn transfer(&mut self, transfer: &Transfer) {
        let share = transfer.total.filter(|total| *total > 0).map(|total| transfer.bytes * TENTHS / total);
        let step = share.unwrap_or(transfer.bytes / UNSIZED);
        let id = (transfer.direction, transfer.name.clone());
        let before = if transfer.is_over { self.moving.remove(&id) } else { self.moving.insert(id, step) };
        if before != Some(step) {
            let arrow = if transfer.direction == Direction::Up { "⬆️" } else { "⬇️" };
            let line = format!("{arrow} {}", text::transfers(std::slice::from_ref(transfer)));
            self.pass(Passing::Transfer, line);
        }
    }

    fn output(&mut self, output: &Output) {
        if let Some(saved) = text::saved(output) {
            self.saved += 1;
            self.say(format!("💾 Saved {saved}"));
        }
    }

    fn result(&mut self, t: Duration, outcome: &Outcome) {
        self.flush(t, true);
        if outcome.status == Verdict::Failed && self.saved == 0 {
            self.say("💾 Nothing was saved".to_owned());
        }
        if let Some(cost) = outcome.cost.as_ref().and_then(text::cost) {
            self.say(format!("💰 Cost: {cost}"));
        }
    }

    fn run(&mut self, t: Duration, event: &RunEvent) {
        match event {
            RunEvent::Submitted(task) => {
                self.say(format!("✅ Task initiated successfully, taskId: {}", task.task_id));
            }
            RunEvent::Plan(plan) => self.tell(format!("✅ {}", text::node_map(plan))),
            RunEvent::Status { status, waited, poll, ahead } if !status.is_over() => {
                let status = text::status(status, *ahead);
                let poll = text::ordinal(*poll);
                let line = format!("🔍 {poll} poll... ({status}, {} s)", waited.as_secs());
                self.pass(Passing::Status, line);
            }
            RunEvent::Socket { url } => {
                let url = runninghub::Untrusted::from(url.masked());
                self.tell(format!("✅ WSS obtained successfully: {url}"));
            }
            RunEvent::Connection(connection) => self.connection(*connection),
            RunEvent::Progress(progress) => {
                // Elapsed time alone moves the estimate: print a line for each whole percent.
                let points = progress.overall.map(|fraction| (fraction * 100.0).floor());
                let news = (points, progress.done, progress.current.first().cloned());
                if self.heard.as_ref() != Some(&news) {
                    self.heard = Some(news);
                    self.pending = Some(format!("📈 {}", text::progress(progress)));
                }
            }
            RunEvent::Node { title, state: NodeState::Cached, .. } => {
                self.tell(format!("📌 Node {title} (completed from cache)"));
            }
            RunEvent::Text { node_id, text } => {
                self.pass(Passing::Text, format!("💬 Node {node_id}: {text}"));
            }
            RunEvent::Warning { message, .. } => self.tell(format!("⚠️ {message}")),
            RunEvent::Finished(end) => {
                self.flush(t, true);
                self.finished(end);
            }
            // File progress does not flush pending progress.
            RunEvent::Transfer(transfer) => return self.transfer(transfer),
            RunEvent::Output(output) => return self.output(output),
            RunEvent::Result(outcome) => return self.result(t, outcome),
            _ => {}
        }
        self.flush(t, false);
    }
}

impl Reporter for Plain {
    fn show(&mut self, line: &Line<Event>) {
        match &line.event {
            Event::Run(event) if !text::is_answer(event) => self.run(line.t, event),
            Event::Notice { message, .. } => self.say(format!("⚠️ {message}")),
            _ => self.answers.lines(line).iter().for_each(|words| self.printer.say(words)),
        }
    }

    fn tick(&mut self, t: Duration) {
        self.flush(t, false);
    }
}
