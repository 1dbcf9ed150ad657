//! A block of lines at the bottom of the terminal that is redrawn in place.
//!
//! Between two redraws the cursor waits in the block's first row. So the effect of a resize on the rows below doesn't
//! matter: the next redraw begins there and clears to the end of the screen.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use crate::{glyph::sure, printer::Printer, writer};

/// At most 15 redraws a second, at any event rate.
const SPACING: Duration = Duration::from_millis(68);
const HIDE_CURSOR: &str = "\x1b[?25l";
const SHOW_CURSOR: &str = "\x1b[?25h";
/// The terminal cuts lines that are still too wide, instead of wrapping them.
const NO_WRAP: &str = "\x1b[?7l";
const WRAP: &str = "\x1b[?7h";
const CLEAR_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";

/// At most 4 images a second: each may be as large as everything else together.
const IMAGE_SPACING: Duration = Duration::from_millis(260);
const SAVE_CURSOR: &str = "\x1b7";
const RESTORE_CURSOR: &str = "\x1b8";

/// An image at the top of the block.
#[derive(Debug)]
pub(crate) struct Image {
    /// Its height in rows.
    pub(crate) rows: usize,
    /// Draws the image from the cursor position; may leave the cursor anywhere.
    pub(crate) text: String,
    /// Removes the image from the screen, if clearing its cells doesn't.
    pub(crate) erase: &'static str,
}

/// The block, and the lines to print above it.
#[derive(Debug)]
pub(crate) struct Live {
    printer: Printer,
    above: Vec<String>,
    drawn: Vec<String>,
    drawn_at: Option<Instant>,
    /// Clear the block before the next redraw.
    is_invalid: bool,
    image: Option<Image>,
    image_drawn_at: Option<Instant>,
    /// The image is not drawn yet.
    is_image_new: bool,
}

impl Live {
    /// An empty block; nothing is drawn yet.
    pub(crate) fn new(printer: Printer) -> Self {
        Self {
            printer,
            above: Vec::new(),
            drawn: Vec::new(),
            drawn_at: None,
            is_invalid: false,
            image: None,
            image_drawn_at: None,
            is_image_new: false,
        }
    }

    /// Adds a line that the next redraw prints above the block.
    pub(crate) fn above(&mut self, line: &str) {
        self.above.push(sure(line).into_owned());
    }

    /// Handles a resize. A terminal that has wrapped the block's lines treats text drawn over them as their
    /// continuation, and joins both when the window grows again. So the old lines have to be cleared first.
    pub(crate) fn invalidate(&mut self) {
        self.is_invalid = true;
        self.clear_image();
    }

    /// Whether the next image may be drawn.
    pub(crate) fn is_image_due(&self) -> bool {
        self.image_drawn_at.is_none_or(|at| at.elapsed() >= IMAGE_SPACING)
    }

    /// Sets the image for the next redraw.
    #[cfg(feature = "preview")]
    pub(crate) fn set_image(&mut self, image: Image) {
        self.image = Some(image);
        self.is_image_new = true;
    }

    /// Removes the image; the next redraw clears its cells.
    fn clear_image(&mut self) {
        if let Some(image) = self.image.take()
            && !self.drawn.is_empty()
        {
            self.printer.terminal(image.erase);
        }
    }

    /// Whether the next redraw is due, and the terminal has shown the previous ones.
    pub(crate) fn is_due(&self) -> bool {
        !writer::is_behind() && self.drawn_at.is_none_or(|at| at.elapsed() >= SPACING)
    }

    /// Redraws the block if it has changed.
    pub(crate) fn draw(&mut self, lines: Vec<String>) {
        let is_moved =
            !self.above.is_empty() || self.is_invalid || self.drawn.is_empty() || self.is_image_new;
        // A change that moves the image waits until the image may be drawn again.
        if is_moved && (self.image.is_none() || self.is_image_due()) || !is_moved && lines != self.drawn {
            self.write(lines, is_moved);
        }
    }

    /// Writes the whole block, or only the lines below the image.
    fn write(&mut self, lines: Vec<String>, afresh: bool) {
        let rows = self.image.as_ref().map_or(0, |image| image.rows);
        let mut text = if self.drawn.is_empty() { HIDE_CURSOR.to_owned() } else { "\r".to_owned() };
        if std::mem::take(&mut self.is_invalid) {
            text.push_str(CLEAR_BELOW);
        }
        self.write_above(&mut text);
        text.push_str(NO_WRAP);
        if afresh {
            // Create the rows before the image is drawn: some terminals would scroll while they draw it.
            text.push_str(&format!("{CLEAR_LINE}\r\n").repeat(rows));
        } else if rows > 0 {
            let _ = write!(text, "\x1b[{rows}B");
        }
        text.push_str(&sure(&lines.join(&format!("{CLEAR_LINE}\r\n"))));
        text.push_str(CLEAR_BELOW);
        text.push_str(WRAP);
        text.push('\r');
        let below = rows + lines.len().saturating_sub(1);
        if below > 0 {
            let _ = write!(text, "\x1b[{below}A");
        }
        if let Some(image) = self.image.as_ref().filter(|_| afresh) {
            text.push_str(SAVE_CURSOR);
            text.push_str(&image.text);
            text.push_str(RESTORE_CURSOR);
            self.image_drawn_at = Some(Instant::now());
            self.is_image_new = false;
        }
        self.printer.terminal(&text);
        self.printer.block(Some(u16::try_from(below).unwrap_or(u16::MAX)));
        self.drawn = lines;
        self.drawn_at = Some(Instant::now());
    }

    /// Leaves the last drawing in place and restores the terminal, with the cursor below.
    pub(crate) fn leave(&mut self, lines: Vec<String>) {
        // Always redraw: the terminal may have echoed a key such as `^C`.
        // The image is not kept: it shows work in progress, not the result.
        self.clear_image();
        self.write(lines, true);
        if !self.drawn.is_empty() {
            self.printer.terminal(&format!("{}{SHOW_CURSOR}", "\r\n".repeat(self.drawn.len())));
        }
        self.forget();
    }

    /// Clears the block and restores the terminal; the lines above stay.
    pub(crate) fn clear(&mut self) {
        if self.above.is_empty() && self.drawn.is_empty() {
            return;
        }
        let mut text = "\r".to_owned();
        if let Some(image) = &self.image {
            text.push_str(image.erase);
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
        // The next redraw brings it back.
        self.is_image_new = self.image.is_some();
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.clear();
    }
}
