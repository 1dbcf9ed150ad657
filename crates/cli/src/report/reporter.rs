//! The interface of an output format.

use std::time::Duration;

use runninghub::{Line, Sentence, TaskId};

use super::{Human, Json, Plain, Quiet};
use crate::{
    args::{Format, Shown},
    event::Event,
    printer::Printer,
};

/// Shows events. Every `t` is the time since the start, on the clock of the run that is shown.
pub(crate) trait Reporter {
    /// Shows an event.
    fn show(&mut self, line: &Line<Event>);

    /// Shows what a submit waits for, in a line that the next one replaces. Returns `false` if this format has no such
    /// line.
    fn wait(&mut self, _t: Duration, _words: &Sentence) -> bool {
        false
    }

    /// Announces that several tasks are watched: each of the lines that follow names its own.
    fn watch_many(&mut self, _tasks: &[TaskId]) {}

    /// Updates what depends on time alone.
    fn tick(&mut self, _t: Duration) {}

    /// Sets how preview images are shown, if this format supports them.
    fn show_previews(&mut self, _how: Shown) {}

    /// Whether this format shows previews.
    fn wants_previews(&self) -> bool {
        false
    }

    /// Restores the terminal before the process stops or something else is printed. The next event takes it over
    /// again.
    fn release(&mut self) {}
}

/// Creates the reporter for a format.
pub(crate) fn reporter(format: Format, printer: Printer) -> Box<dyn Reporter> {
    match format {
        Format::Human | Format::Plain if printer.is_quiet() => Box::new(Quiet::new(printer)),
        Format::Human | Format::Export(_) => Box::new(Human::new(printer)),
        Format::Plain => Box::new(Plain::new(printer)),
        Format::Json => Box::new(Json::new(printer)),
    }
}
