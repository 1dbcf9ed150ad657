//! Results and errors only, for scripts: unadorned ids, paths, URLs and texts, one per line.

use runninghub::{Event as RunEvent, FileUrl, Line, Outcome, Output, Phase, Untrusted, Verdict, say};

use super::{Reporter, answer::Answers, text};
use crate::{
    event::Event,
    exit::{Error, Exit},
    printer::Printer,
};

/// The reporter for `--quiet`.
#[derive(Debug)]
pub(crate) struct Quiet {
    printer: Printer,
    answers: Answers,
}

impl Quiet {
    pub(crate) fn new(printer: Printer) -> Self {
        Self { printer, answers: Answers::default() }
    }

    fn result(&self, outcome: &Outcome) {
        if outcome.status == Verdict::Detached
            && let Some(task) = &outcome.task_id
        {
            self.printer.line(task.as_ref());
        }
        let results = outcome.outputs.iter().filter(|output| !output.intermediate);
        results.flat_map(bare).for_each(|line| self.printer.line(&line));
    }
}

/// The file, the text, or the URL of a result. Text keeps its line breaks, but control characters are escaped.
fn bare(output: &Output) -> Vec<String> {
    let url = || output.url.as_ref().map(FileUrl::without_key);
    let shown = output.path.clone().or_else(|| output.text.clone()).or_else(url).unwrap_or_default();
    shown.lines().map(|line| Untrusted::from(line).to_string()).collect()
}

impl Reporter for Quiet {
    fn show(&mut self, line: &Line<Event>) {
        match &line.event {
            Event::Run(RunEvent::Finished(end)) if end.phase == Phase::Failed => {
                let cause = end.failure.as_ref();
                let error = Error::new(Exit::TaskFailed, text::failure(say!("Task failed"), cause));
                self.printer.error(&match cause.and_then(|cause| cause.hint.clone()) {
                    Some(cure) => error.hint(cure),
                    None => error,
                });
            }
            Event::Run(RunEvent::Result(outcome)) => self.result(outcome),
            Event::Run(event) if !text::is_answer(event) => {}
            Event::Notice { .. } | Event::BatchProgress(_) | Event::BatchOver(_) => {}
            Event::Packed { path, .. } => self.printer.line(&Untrusted::from(path.as_str()).to_string()),
            Event::Test(test) if test.verdict.is_good() => {}
            Event::BatchRow(row) => {
                let outputs = row.outputs.iter();
                let results = outputs.filter(|output| !output.intermediate);
                results.flat_map(bare).for_each(|line| self.printer.line(&line));
            }
            _ => self.answers.lines(line).iter().for_each(|line| self.printer.line(line)),
        }
    }
}
