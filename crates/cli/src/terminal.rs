//! Properties of the terminal.

use std::{
    env,
    io::{self, IsTerminal as _},
};

use terminal_size::{Height, Width, terminal_size};

/// Whether stdout is a terminal.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Whether any output goes to a terminal.
pub(crate) fn has_terminal() -> bool {
    is_terminal() || io::stderr().is_terminal()
}

/// Columns and rows. 80 × 24 if unknown.
pub(crate) fn size() -> (usize, usize) {
    terminal_size().map_or((80, 24), |(Width(columns), Height(rows))| (columns.into(), rows.into()))
}

/// Whether a live block can be drawn: on a terminal of at least 40 columns that supports escapes, and not in CI.
pub(crate) fn is_drawable() -> bool {
    is_terminal()
        && size().0 >= 40
        && env::var_os("TERM").is_none_or(|term| term != "dumb")
        && env::var_os("CI").is_none_or(|ci| ci.is_empty())
}
