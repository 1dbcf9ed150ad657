//! The only place that prints. stdout is data, stderr is talk.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    io::{self, IsTerminal as _, Write as _},
    panic,
    sync::atomic::{AtomicU16, Ordering},
};

use anstyle::{AnsiColor, Style};

use crate::{
    exit::Error,
    lang, secrets,
    writer::{self, Passing, Stream},
};

/// Rows of the live block below the row in which the cursor waits, plus one; 0 when there is no block.
static BLOCK: AtomicU16 = AtomicU16::new(0);

/// Where text goes and how it looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    quiet: bool,
    out_color: bool,
    err_color: bool,
}

impl Printer {
    /// Looks at both streams once.
    pub(crate) fn new(quiet: bool) -> Self {
        let wants_color = |choice| choice != anstream::ColorChoice::Never;
        Self {
            quiet,
            out_color: wants_color(anstream::AutoStream::choice(&io::stdout())),
            err_color: wants_color(anstream::AutoStream::choice(&io::stderr())),
        }
    }

    /// Shows no colours, for tests of pure functions.
    #[cfg(test)]
    pub(crate) fn colorless() -> Self {
        Self { quiet: false, out_color: false, err_color: false }
    }

    /// Whether stdout shows colours.
    #[cfg(feature = "preview")]
    pub(crate) fn has_color(self) -> bool {
        self.out_color
    }

    /// Whether only results and errors are wanted.
    pub(crate) fn is_quiet(self) -> bool {
        self.quiet
    }

    /// One line of data.
    pub(crate) fn line(self, text: &str) {
        let _ = self;
        writer::write(Stream::Out, format!("{text}\n"));
    }

    /// One line of data that a newer one of its kind replaces, should the reader lag.
    pub(crate) fn passing(self, kind: Passing, text: &str) {
        let _ = self;
        writer::pass(Stream::Out, kind, format!("{text}\n"));
    }

    /// One line of a message, in the language that is wanted.
    pub(crate) fn say(self, text: &str) {
        self.line(&lang::say(text));
    }

    /// Bytes for a terminal, with escapes as they are.
    pub(crate) fn terminal(self, text: &str) {
        let _ = self;
        writer::write(Stream::Out, text.to_owned());
    }

    /// Tells how many rows the live block has below the cursor's, so that a panic can step over them.
    pub(crate) fn block(self, rows: Option<u16>) {
        let _ = self;
        BLOCK.store(rows.map_or(0, |rows| rows.saturating_add(1)), Ordering::Relaxed);
    }

    /// Talk, beside the data.
    pub(crate) fn talk(self, text: &str) {
        let _ = self;
        write_err(text);
    }

    /// What stands before the place where somebody is to write.
    pub(crate) fn prompt(self, text: &str) {
        let _ = self;
        writer::write(Stream::Err, text.to_owned());
    }

    /// Advice.
    pub(crate) fn hint(self, text: &str) {
        let label = paint(self.err_color, AnsiColor::Cyan.on_default().bold(), &lang::say("hint:"));
        write_err(&format!("{label} {}", lang::say(text)));
    }

    /// A question, with the cursor left behind it.
    pub(crate) fn ask(self, question: &str) {
        let _ = self;
        writer::write(Stream::Err, lang::say(question).into_owned());
        writer::settle();
    }

    /// The line break that a hidden answer has not shown.
    pub(crate) fn answered(self) {
        let _ = self;
        write_err("");
    }

    /// An error with what helps.
    pub(crate) fn error(self, error: &Error) {
        let label = paint(self.err_color, AnsiColor::Red.on_default().bold(), &lang::say("error:"));
        write_err(&format!("{label} {}", lang::say(&error.message)));
        if let Some(hint) = &error.hint {
            write_err("");
            self.hint(hint);
        }
    }

    /// Text in a style, where stdout shows styles.
    pub(crate) fn paint(self, style: Style, text: &str) -> String {
        paint(self.out_color, style, text)
    }
}

/// What the parser of the command line has to say: help goes to stdout, errors to stderr.
pub(crate) fn usage(error: &clap::Error) {
    let printed = match lang::usage(error) {
        None => error.print(),
        Some(text) if error.use_stderr() => anstream::stderr().write_all(text.as_bytes()),
        Some(text) => anstream::stdout().write_all(text.as_bytes()),
    };
    if printed.is_err() {
        writer::close();
    }
}

/// Whether stdout is a terminal.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Gives the terminal back before a panic speaks: below the live block and with a cursor. What it says is cleaned,
/// since it may quote anything.
pub(crate) fn tidy_up_on_panic() {
    panic::set_hook(Box::new(|info| {
        let block = BLOCK.swap(0, Ordering::Relaxed);
        if block > 0 {
            writer::write(Stream::Out, format!("{}\r\x1b[?7h\x1b[?25h", "\n".repeat(block.into())));
        }
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let message = info.payload_as_str().unwrap_or("no message");
        write_err(&secrets::clean(&format!("rhub has a bug: panicked at {place}: {message}")));
        let trace = Backtrace::capture();
        if trace.status() == BacktraceStatus::Captured {
            write_err(&trace.to_string());
        }
        writer::settle();
    }));
}

fn paint(is_on: bool, style: Style, text: &str) -> String {
    if is_on { format!("{style}{text}{style:#}") } else { text.to_owned() }
}

fn write_err(text: &str) {
    writer::write(Stream::Err, format!("{text}\n"));
}
