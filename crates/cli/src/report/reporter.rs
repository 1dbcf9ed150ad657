//! What a format has to be able to show.

use std::time::Duration;

use runninghub::Event;

use super::{Human, Json, Plain};
use crate::{
    args::{Format, Shown},
    printer::Printer,
    schema,
};

/// Shows what happens. Every `t` is the time since the start, on the clock of the run that is shown.
pub(crate) trait Reporter {
    /// The platform has accepted the task.
    fn submitted(&mut self, t: Duration, task: &schema::Submitted);

    /// Something has happened.
    fn event(&mut self, t: Duration, event: &Event);

    /// A result of the task, saved where it has a path.
    fn output(&mut self, t: Duration, output: &schema::Output);

    /// A file is on its way.
    fn transfer(&mut self, t: Duration, transfer: &schema::Transfer);

    /// Something worth knowing that ends nothing.
    fn warning(&mut self, t: Duration, warning: &schema::Warning);

    /// The answer to a single question: an event, and the same in lines.
    fn answer(&mut self, t: Duration, event: &schema::Event, lines: &[String]);

    /// The end; called once, whatever happened.
    fn result(&mut self, t: Duration, outcome: &schema::Outcome);

    /// Time has passed.
    fn tick(&mut self, t: Duration);

    /// How preview pictures are to be shown, where this format can.
    fn show_previews(&mut self, _how: Shown) {}

    /// Whether anything is told of previews.
    fn wants_previews(&self) -> bool {
        false
    }

    /// Gives the terminal back, before the process stops or something else is printed. The next event takes it again.
    fn release(&mut self) {}
}

/// The reporter for a format.
pub(crate) fn reporter(format: Format, printer: Printer) -> Box<dyn Reporter> {
    match format {
        Format::Human => Box::new(Human::new(printer)),
        Format::Plain => Box::new(Plain::new(printer)),
        Format::Json => Box::new(Json::new(printer)),
    }
}
