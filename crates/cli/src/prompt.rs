//! Questions on the terminal.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use runninghub::{Sentence, say};

use crate::{exit::Error, key::MAX_LENGTH, platform::Echo, printer::Printer};

/// Whether a question can be answered on the terminal.
pub(crate) fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Reads the answer to a question. Blocks. Without an answer it is empty.
pub(crate) fn answer() -> String {
    line().unwrap_or_default().trim().to_owned()
}

/// Reads the answer to a yes-or-no question. Blocks.
pub(crate) fn is_yes() -> bool {
    ["y", "yes"].contains(&answer().to_lowercase().as_str())
}

/// Reads a line of at most the length of a key. Blocks.
pub(crate) fn line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().take(MAX_LENGTH).read_line(&mut line)?;
    Ok(line)
}

/// Prompts for a line with echo off. Blocks. Dropping the returned [`Hush`] restores the terminal, even if the input
/// is no longer awaited.
pub(crate) fn hidden(
    printer: Printer,
    question: &Sentence,
) -> Result<(Hush, impl FnOnce() -> io::Result<String> + use<>), Error> {
    let echo = Echo::off().map_err(|why| {
        Error::usage(say!("cannot turn off the terminal's echo: {why}", why))
            .hint(say!("use `--api-key-stdin`"))
    })?;
    printer.ask(question);
    Ok((Hush { printer, _echo: echo }, Echo::read))
}

/// The terminal with echo off.
pub(crate) struct Hush {
    printer: Printer,
    _echo: Echo,
}

impl Drop for Hush {
    fn drop(&mut self) {
        self.printer.answered();
    }
}
