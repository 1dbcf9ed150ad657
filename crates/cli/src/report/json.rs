//! One JSON object per line.

use std::time::Duration;

use runninghub::Event;

use super::Reporter;
use crate::{
    printer::Printer,
    schema::{self, Event as Line},
    writer::Passing,
};

/// Writes every event as one line of the published schema.
#[derive(Debug)]
pub(crate) struct Json {
    printer: Printer,
}

impl Json {
    /// A reporter that begins at once.
    pub(crate) fn new(printer: Printer) -> Self {
        Self { printer }
    }

    fn write(&self, t: Duration, event: &Line) {
        self.printer.line(&schema::line(t, event));
    }

    /// Writes what may come without end.
    fn pass(&self, t: Duration, event: &Line) {
        match passing(event) {
            Some(kind) => self.printer.passing(kind, &schema::line(t, event)),
            None => self.write(t, event),
        }
    }
}

impl Reporter for Json {
    fn submitted(&mut self, t: Duration, task: &schema::Submitted) {
        self.write(t, &Line::Submitted(task.clone()));
    }

    fn event(&mut self, t: Duration, event: &Event) {
        if let Some(event) = convert(event) {
            self.pass(t, &event);
        }
    }

    fn output(&mut self, t: Duration, output: &schema::Output) {
        self.write(t, &Line::Output(output.clone()));
    }

    fn transfer(&mut self, t: Duration, transfer: &schema::Transfer) {
        self.pass(t, &Line::Transfer(transfer.clone()));
    }

    fn warning(&mut self, t: Duration, warning: &schema::Warning) {
        self.write(t, &Line::Warning(warning.clone()));
    }

    fn answer(&mut self, t: Duration, event: &Line, _lines: &[String]) {
        self.write(t, event);
    }

    fn result(&mut self, t: Duration, outcome: &schema::Outcome) {
        self.write(t, &Line::Result(outcome.clone()));
    }

    fn wants_previews(&self) -> bool {
        true
    }

    fn tick(&mut self, _t: Duration) {}
}

/// What a newer line of its kind replaces, should the reader lag.
fn passing(event: &Line) -> Option<Passing> {
    match event {
        Line::Progress(_) => Some(Passing::Progress),
        Line::Preview(_) => Some(Passing::Preview),
        Line::Status(_) => Some(Passing::Status),
        Line::Connection(_) => Some(Passing::Connection),
        Line::Text(_) => Some(Passing::Text),
        Line::Transfer(transfer) if !transfer.is_over => Some(Passing::Transfer),
        _ => None,
    }
}

/// `None` for what has no line: the socket's address is a secret, and the end is told by `result`.
fn convert(event: &Event) -> Option<Line> {
    Some(match event {
        Event::Plan(plan) => Line::Plan(plan.as_ref().into()),
        Event::Status { status, waited, ahead, .. } => Line::Status(schema::Status {
            status: status.as_str().to_owned(),
            waited_s: schema::seconds(*waited),
            ahead: *ahead,
        }),
        Event::Connection(connection) => Line::Connection(connection.into()),
        Event::Progress(progress) => Line::Progress(progress.into()),
        Event::Node { id, title, state, elapsed } => {
            Line::Node(schema::Node::new(id.as_str(), title, *state, *elapsed))
        }
        Event::Preview { node_id, mime, data } => Line::Preview(schema::Preview {
            node_id: node_id.as_ref().map(ToString::to_string),
            mime,
            bytes: data.len(),
        }),
        Event::Text { node_id, text } => {
            Line::Text(schema::Text { node_id: node_id.to_string(), text: text.clone() })
        }
        Event::Warning { code, message } => {
            Line::Warning(schema::Warning { code: (*code).to_owned(), message: message.clone() })
        }
        _ => return None,
    })
}
