//! What a format has to be able to show.

use std::time::Duration;

use runninghub::Line;

use super::{Human, Json, Plain};
use crate::{
    args::{Format, Shown},
    event::Event,
    printer::Printer,
};

/// Shows what happens. Every `t` is the time since the start, on the clock of the run that is shown.
pub(crate) trait Reporter {
    /// Something has happened.
    fn show(&mut self, line: &Line<Event>);

    /// Time has passed.
    fn tick(&mut self, _t: Duration) {}

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
