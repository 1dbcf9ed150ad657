//! One JSON object per line.

use runninghub::{Event as RunEvent, Line};

use super::Reporter;
use crate::{event::Event, printer::Printer, writer::Passing};

/// Writes every published event as one line.
#[derive(Debug)]
pub(crate) struct Json {
    printer: Printer,
}

impl Json {
    /// A reporter that starts at once.
    pub(crate) fn new(printer: Printer) -> Self {
        Self { printer }
    }
}

impl Reporter for Json {
    fn show(&mut self, line: &Line<Event>) {
        let event = match &line.event {
            Event::Run(event) => event,
            Event::BatchProgress(_) => return self.printer.passing(Passing::Progress, &line.to_string()),
            _ => return self.printer.line(&line.to_string()),
        };
        match passing(event) {
            _ if !event.is_published() => {}
            Some(kind) => self.printer.passing(kind, &line.to_string()),
            None => self.printer.line(&line.to_string()),
        }
    }

    fn wants_previews(&self) -> bool {
        true
    }
}

/// The kind of an event that a newer one replaces if the reader lags.
fn passing(event: &RunEvent) -> Option<Passing> {
    match event {
        RunEvent::Progress(_) => Some(Passing::Progress),
        RunEvent::Preview { .. } => Some(Passing::Preview),
        RunEvent::Status { poll: 1.., .. } => Some(Passing::Status),
        RunEvent::Connection(_) => Some(Passing::Connection),
        RunEvent::Text { .. } => Some(Passing::Text),
        RunEvent::Transfer(transfer) if !transfer.is_over => Some(Passing::Transfer),
        _ => None,
    }
}
