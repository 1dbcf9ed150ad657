//! A block of lines at the bottom of the terminal that is drawn over and over.
//!
//! Between two drawings the cursor waits in the block's first row. So nothing has to be known about what a resize
//! does to the rows below: the next drawing begins there and clears to the end of the screen.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use crate::{printer::Printer, writer};

/// At most 15 drawings a second, whatever comes in.
const SPACING: Duration = Duration::from_millis(68);
const HIDE_CURSOR: &str = "\x1b[?25l";
const SHOW_CURSOR: &str = "\x1b[?25h";
/// A line that is too wide after all is cut by the terminal instead of wrapped.
const NO_WRAP: &str = "\x1b[?7l";
const WRAP: &str = "\x1b[?7h";
const CLEAR_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";

/// At most 4 pictures a second: each may be as large as all else together.
const ART_SPACING: Duration = Duration::from_millis(260);
const SAVE_CURSOR: &str = "\x1b7";
const RESTORE_CURSOR: &str = "\x1b8";

/// A picture at the top of the block.
#[derive(Debug)]
pub(crate) struct Art {
    /// How many it takes.
    pub(crate) rows: usize,
    /// What draws it from where the cursor is; where the cursor goes by that does not matter.
    pub(crate) text: String,
    /// What takes it off the screen, where clearing its cells does not.
    pub(crate) wipe: &'static str,
}

/// The block, and the lines that will stand above it.
#[derive(Debug)]
pub(crate) struct Live {
    printer: Printer,
    above: Vec<String>,
    drawn: Vec<String>,
    drawn_at: Option<Instant>,
    /// Wipe the block before the next drawing.
    is_torn: bool,
    art: Option<Art>,
    art_drawn_at: Option<Instant>,
    /// Not drawn yet.
    is_art_new: bool,
}

impl Live {
    /// Nothing is drawn yet.
    pub(crate) fn new(printer: Printer) -> Self {
        Self {
            printer,
            above: Vec::new(),
            drawn: Vec::new(),
            drawn_at: None,
            is_torn: false,
            art: None,
            art_drawn_at: None,
            is_art_new: false,
        }
    }

    /// A line that scrolls away above the block, with the next drawing.
    pub(crate) fn above(&mut self, line: String) {
        self.above.push(line);
    }

    /// The window has another size. A terminal that has wrapped the block's lines takes what is drawn over them for their
    /// continuation, and joins both when the window grows again: they have to be gone first.
    pub(crate) fn tear(&mut self) {
        self.is_torn = true;
        self.take_down();
    }

    /// Whether it is time for the next picture.
    pub(crate) fn is_art_due(&self) -> bool {
        self.art_drawn_at.is_none_or(|at| at.elapsed() >= ART_SPACING)
    }

    /// Another picture, with the next drawing.
    #[cfg(feature = "preview")]
    pub(crate) fn hang(&mut self, art: Art) {
        self.art = Some(art);
        self.is_art_new = true;
    }

    /// No picture any more; its cells are cleared with the next drawing.
    fn take_down(&mut self) {
        if let Some(art) = self.art.take()
            && !self.drawn.is_empty()
        {
            self.printer.terminal(art.wipe);
        }
    }

    /// Whether it is time for the next drawing, and the terminal has shown the last ones.
    pub(crate) fn is_due(&self) -> bool {
        !writer::is_behind() && self.drawn_at.is_none_or(|at| at.elapsed() >= SPACING)
    }

    /// Draws the block, unless nothing has changed.
    pub(crate) fn draw(&mut self, lines: Vec<String>) {
        let is_moved = !self.above.is_empty() || self.is_torn || self.drawn.is_empty() || self.is_art_new;
        // What moves the picture waits until it may be drawn again.
        if is_moved && (self.art.is_none() || self.is_art_due()) || !is_moved && lines != self.drawn {
            self.write(lines, is_moved);
        }
    }

    /// All of it, or only what is below the picture.
    fn write(&mut self, lines: Vec<String>, afresh: bool) {
        let rows = self.art.as_ref().map_or(0, |art| art.rows);
        let mut text = if self.drawn.is_empty() { HIDE_CURSOR.to_owned() } else { "\r".to_owned() };
        if std::mem::take(&mut self.is_torn) {
            text.push_str(CLEAR_BELOW);
        }
        self.write_above(&mut text);
        text.push_str(NO_WRAP);
        if afresh {
            // The rows have to be there before a picture stands in them: some terminals would scroll while they draw it.
            text.push_str(&format!("{CLEAR_LINE}\r\n").repeat(rows));
        } else if rows > 0 {
            let _ = write!(text, "\x1b[{rows}B");
        }
        text.push_str(&lines.join(&format!("{CLEAR_LINE}\r\n")));
        text.push_str(CLEAR_BELOW);
        text.push_str(WRAP);
        text.push('\r');
        let below = rows + lines.len().saturating_sub(1);
        if below > 0 {
            let _ = write!(text, "\x1b[{below}A");
        }
        if let Some(art) = self.art.as_ref().filter(|_| afresh) {
            text.push_str(SAVE_CURSOR);
            text.push_str(&art.text);
            text.push_str(RESTORE_CURSOR);
            self.art_drawn_at = Some(Instant::now());
            self.is_art_new = false;
        }
        self.printer.terminal(&text);
        self.printer.block(Some(u16::try_from(below).unwrap_or(u16::MAX)));
        self.drawn = lines;
        self.drawn_at = Some(Instant::now());
    }

    /// Leaves the last drawing where it is and gives the terminal back, with the cursor below.
    pub(crate) fn leave(&mut self, lines: Vec<String>) {
        // In any case: the terminal may have shown a key that was pressed, `^C` for one.
        // The picture is not kept: it is of the work and not of the result.
        self.take_down();
        self.write(lines, true);
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
        if let Some(art) = &self.art {
            text.push_str(art.wipe);
        }
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
        // It comes back with the next drawing.
        self.is_art_new = self.art.is_some();
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.clear();
    }
}
