//! A block of lines at the bottom of the terminal that is drawn over and over.
//!
//! Between two drawings the cursor waits in the block's first row. So nothing has to be known about what a resize
//! does to the rows below: the next drawing begins there and clears to the end of the screen.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use crate::printer::Printer;

/// At most 15 drawings a second, whatever comes in.
const SPACING: Duration = Duration::from_millis(68);
const HIDE_CURSOR: &str = "\x1b[?25l";
const SHOW_CURSOR: &str = "\x1b[?25h";
/// A line that is too wide after all is cut by the terminal instead of wrapped.
const NO_WRAP: &str = "\x1b[?7l";
const WRAP: &str = "\x1b[?7h";
const CLEAR_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";

/// The block, and the lines that will stand above it.
#[derive(Debug)]
pub(crate) struct Live {
    printer: Printer,
    above: Vec<String>,
    drawn: Vec<String>,
    drawn_at: Option<Instant>,
    /// Wipe the block before the next drawing.
    is_torn: bool,
}

impl Live {
    /// Nothing is drawn yet.
    pub(crate) fn new(printer: Printer) -> Self {
        Self { printer, above: Vec::new(), drawn: Vec::new(), drawn_at: None, is_torn: false }
    }

    /// A line that scrolls away above the block, with the next drawing.
    pub(crate) fn above(&mut self, line: String) {
        self.above.push(line);
    }

    /// The window has another size. A terminal that has wrapped the block's lines takes what is drawn over them for their
    /// continuation, and joins both when the window grows again: they have to be gone first.
    pub(crate) fn tear(&mut self) {
        self.is_torn = true;
    }

    /// Whether it is time for the next drawing.
    pub(crate) fn is_due(&self) -> bool {
        self.drawn_at.is_none_or(|at| at.elapsed() >= SPACING)
    }

    /// Draws the block, unless nothing has changed.
    pub(crate) fn draw(&mut self, lines: Vec<String>) {
        if !self.above.is_empty() || lines != self.drawn {
            self.write(lines);
        }
    }

    fn write(&mut self, lines: Vec<String>) {
        let mut text = if self.drawn.is_empty() { HIDE_CURSOR.to_owned() } else { "\r".to_owned() };
        if std::mem::take(&mut self.is_torn) {
            text.push_str(CLEAR_BELOW);
        }
        self.write_above(&mut text);
        text.push_str(NO_WRAP);
        text.push_str(&lines.join(&format!("{CLEAR_LINE}\r\n")));
        text.push_str(CLEAR_BELOW);
        text.push_str(WRAP);
        text.push('\r');
        let below = lines.len().saturating_sub(1);
        if below > 0 {
            let _ = write!(text, "\x1b[{below}A");
        }
        self.printer.terminal(&text);
        self.printer.block(Some(u16::try_from(below).unwrap_or(u16::MAX)));
        self.drawn = lines;
        self.drawn_at = Some(Instant::now());
    }

    /// Leaves the last drawing where it is and gives the terminal back, with the cursor below.
    pub(crate) fn leave(&mut self, lines: Vec<String>) {
        // In any case: the terminal may have shown a key that was pressed, `^C` for one.
        self.write(lines);
        if !self.drawn.is_empty() {
            self.printer.terminal(&format!("{}{SHOW_CURSOR}", "\r\n".repeat(self.drawn.len())));
        }
        self.forget();
    }

    /// Takes the block away and gives the terminal back; what was to stand above it stays.
    pub(crate) fn clear(&mut self) {
        if self.above.is_empty() && self.drawn.is_empty() {
            return;
        }
        let mut text = "\r".to_owned();
        self.write_above(&mut text);
        text.push_str(CLEAR_BELOW);
        text.push_str(SHOW_CURSOR);
        self.printer.terminal(&text);
        self.forget();
    }

    fn write_above(&mut self, text: &mut String) {
        for line in self.above.drain(..) {
            text.push_str(&line);
            text.push_str(CLEAR_LINE);
            text.push_str("\r\n");
        }
    }

    fn forget(&mut self) {
        self.printer.block(None);
        self.drawn.clear();
        self.drawn_at = None;
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.clear();
    }
}
