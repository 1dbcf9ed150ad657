//! The only module that prints. stdout is for data, stderr for messages.

use std::{
    io::{self, Write as _},
    sync::atomic::{AtomicU16, Ordering},
};

use anstyle::{AnsiColor, Style};
use runninghub::{Sentence, say};

use crate::{
    exit::Error,
    lang, window,
    writer::{self, Passing, Stream},
};

/// Rows of the live block below the cursor's row, plus one; 0 without a block.
static BLOCK: AtomicU16 = AtomicU16::new(0);

/// Where text is written, and in which style.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    detail: Detail,
    out_color: bool,
    err_color: bool,
}

/// How much is printed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Detail {
    /// Results and errors.
    Quiet,
    #[default]
    Normal,
    /// All events.
    Verbose,
}

impl Printer {
    /// Inspects both streams once.
    pub(crate) fn new(detail: Detail) -> Self {
        let wants_color = |choice| choice != anstream::ColorChoice::Never;
        Self {
            detail,
            out_color: wants_color(anstream::AutoStream::choice(&io::stdout())),
            err_color: wants_color(anstream::AutoStream::choice(&io::stderr())),
        }
    }

    /// Without colors, for tests of pure functions.
    #[cfg(test)]
    pub(crate) fn colorless() -> Self {
        Self { detail: Detail::Normal, out_color: false, err_color: false }
    }

    /// Whether stdout shows colors.
    #[cfg(feature = "preview")]
    pub(crate) fn has_color(self) -> bool {
        self.out_color
    }

    /// Whether only results and errors are printed.
    pub(crate) fn is_quiet(self) -> bool {
        self.detail == Detail::Quiet
    }

    /// Whether all events are printed.
    pub(crate) fn is_verbose(self) -> bool {
        self.detail == Detail::Verbose
    }

    /// Prints one line of data.
    pub(crate) fn line(self, text: &str) {
        let _ = self;
        writer::write(Stream::Out, format!("{text}\n"));
    }

    /// Prints one line of data that a newer line of its kind replaces if the reader lags.
    pub(crate) fn passing(self, kind: Passing, text: &str) {
        let _ = self;
        writer::pass(Stream::Out, kind, format!("{text}\n"));
    }

    /// Prints one line of a message, in the selected language.
    pub(crate) fn say(self, words: &Sentence) {
        self.line(&lang::word(words));
    }

    /// Writes to the terminal, escapes included.
    pub(crate) fn terminal(self, text: &str) {
        let _ = self;
        writer::write(Stream::Out, text.to_owned());
    }

    /// Sets how many rows the live block has below the cursor's, so that a panic can skip them.
    pub(crate) fn block(self, rows: Option<u16>) {
        let _ = self;
        BLOCK.store(rows.map_or(0, |rows| rows.saturating_add(1)), Ordering::Relaxed);
    }

    /// Prints a line to stderr.
    pub(crate) fn talk(self, text: &str) {
        let _ = self;
        write_err(text);
    }

    /// Prints the prompt before the user's input.
    pub(crate) fn prompt(self, text: &str) {
        let _ = self;
        writer::write(Stream::Err, text.to_owned());
    }

    /// Prints a hint.
    pub(crate) fn hint(self, words: &Sentence) {
        self.labeled(AnsiColor::Cyan, &say!("hint:"), words);
    }

    /// Prints a question, with the cursor after it.
    pub(crate) fn ask(self, question: &Sentence) {
        let _ = self;
        writer::write(Stream::Err, lang::word(question));
        writer::settle();
    }

    /// Prints the line break that hidden input did not echo.
    pub(crate) fn answered(self) {
        let _ = self;
        write_err("");
    }

    /// Prints an error with its hint.
    pub(crate) fn error(self, error: &Error) {
        self.labeled(AnsiColor::Red, &say!("error:"), &error.message);
        if let Some(hint) = &error.hint {
            write_err("");
            self.hint(hint);
        }
    }

    fn labeled(self, color: AnsiColor, label: &Sentence, words: &Sentence) {
        let label = lang::word(label);
        // A wide colon includes its space.
        let gap = if label.ends_with('：') { "" } else { " " };
        let label = paint(self.err_color, color.on_default().bold(), &label);
        write_err(&format!("{label}{gap}{}", lang::word(words)));
    }

    /// Styles text if stdout supports it.
    pub(crate) fn paint(self, style: Style, text: &str) -> String {
        paint(self.out_color, style, text)
    }
}

/// Prints clap's output: help to stdout, errors to stderr.
pub(crate) fn usage(error: &clap::Error) {
    let printed = match lang::usage(error) {
        None => error.print(),
        Some(text) if error.use_stderr() => anstream::stderr().write_all(text.as_bytes()),
        Some(text) => return page(&text),
    };
    if printed.is_err() {
        writer::close();
    }
}

/// Prints a help page to stdout; colors only where they are supported.
pub(crate) fn page(text: &str) {
    if anstream::stdout().write_all(text.as_bytes()).is_err() {
        writer::close();
    }
}

/// Restores the terminal before the message about a bug: below the live block and with a visible cursor.
pub(crate) fn leave_block() {
    window::reset();
    let block = BLOCK.swap(0, Ordering::Relaxed);
    if block > 0 {
        writer::write(Stream::Out, format!("{}\r\x1b[?7h\x1b[?25h", "\n".repeat(block.into())));
    }
}

/// Prints the message about a bug, which is already sanitized.
pub(crate) fn bug(words: &Sentence) {
    write_err(&lang::word(words));
}

/// Prints a line of a backtrace, which is already sanitized.
pub(crate) fn bug_line(text: &str) {
    write_err(text);
}

fn paint(is_on: bool, style: Style, text: &str) -> String {
    if is_on { format!("{style}{text}{style:#}") } else { text.to_owned() }
}

fn write_err(text: &str) {
    writer::write(Stream::Err, format!("{text}\n"));
}
