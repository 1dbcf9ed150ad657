//! Several runs in one block: a line for each running one, and its results above the block when it ends.

use std::time::Duration;

use anstyle::{AnsiColor, Style};
use runninghub::{Event, Outcome, Progress, Sentence, TaskId, Untrusted, say};

use super::{batch_frame, human::mark, text};
use crate::{cells, event::RowProgress, lang, printer::Printer};

const DIM: Style = Style::new().dimmed();

/// The runs in the order in which they were given.
#[derive(Debug)]
pub(super) struct Many {
    runs: Vec<One>,
}

#[derive(Debug)]
struct One {
    task: TaskId,
    status: Option<Sentence>,
    progress: Progress,
    is_over: bool,
}

impl Many {
    pub(super) fn new(tasks: &[TaskId]) -> Self {
        let one = |task: &TaskId| One {
            task: task.clone(),
            status: None,
            progress: Progress::default(),
            is_over: false,
        };
        Self { runs: tasks.iter().map(one).collect() }
    }

    /// Handles an event of a run. Returns the lines to print above the block.
    pub(super) fn see(&mut self, task: &TaskId, event: &Event, printer: Printer) -> Vec<String> {
        let Some(run) = self.runs.iter_mut().find(|run| run.task == *task) else { return Vec::new() };
        match event {
            Event::Status { status, ahead, .. } if !status.is_over() => {
                run.status = Some(text::status(status, *ahead));
            }
            Event::Progress(progress) => run.progress = progress.clone(),
            Event::Warning { message, .. } => {
                let mark = printer.paint(AnsiColor::Yellow.on_default(), "!");
                return vec![format!("{mark} {task}  {}", lang::word(message))];
            }
            Event::Result(outcome) => {
                run.is_over = true;
                return end(task, outcome, printer);
            }
            _ => {}
        }
        Vec::new()
    }

    /// The lines of the block.
    pub(super) fn lines(
        &self,
        elapsed: Duration,
        columns: usize,
        rows: usize,
        printer: Printer,
    ) -> Vec<String> {
        let columns = columns.saturating_sub(1);
        let over = self.runs.iter().filter(|run| run.is_over).count();
        let words = say!("{over} of {count} tasks have ended", over, count = self.runs.len());
        let head = format!("{}  {}", lang::word(&words), text::clock(elapsed));
        let mut lines = vec![cells::fit(&head, columns)];
        let running: Vec<&One> = self.runs.iter().filter(|run| !run.is_over).collect();
        // Reserved rows: the totals, the line for the rest, and a free one, so that nothing scrolls.
        let room = rows.saturating_sub(3).max(1);
        lines.extend(running.iter().take(room).map(|run| batch_frame::row(&run.row(), columns, printer)));
        if running.len() > room {
            let rest = say!("… and {count} more", count = running.len() - room);
            lines.push(printer.paint(DIM, &cells::fit(&format!("  {}", lang::word(&rest)), columns)));
        }
        lines
    }
}

impl One {
    fn row(&self) -> RowProgress {
        let node = self.progress.current.first().map(text::step);
        RowProgress {
            item: self.task.to_string(),
            fraction: self.progress.overall,
            stage: node.map(Sentence::verbatim).or_else(|| self.status.clone()),
            eta: self.progress.eta.map(|eta| eta.high),
        }
    }
}

fn end(task: &TaskId, outcome: &Outcome, printer: Printer) -> Vec<String> {
    let mark = mark(outcome.status, printer);
    let words = text::ended(outcome.status, outcome.failure.as_ref());
    let cost = outcome.cost.as_ref().and_then(text::cost).map(|cost| format!("  {}", lang::word(&cost)));
    let head = format!("{mark} {}  {}", Untrusted::from(task.as_str()), lang::word(&words));
    let mut lines = vec![head + &printer.paint(DIM, &cost.unwrap_or_default())];
    for output in &outcome.outputs {
        let link = || output.url.as_ref().map(text::short_link);
        let short = |text: &String| cells::fit(&Untrusted::from(text.replace('\n', " ")).to_string(), 60);
        let shown = text::saved(output).or_else(|| output.text.as_ref().map(short)).or_else(link);
        lines.extend(shown.map(|shown| format!("    {shown}")));
    }
    lines
}
