//! What the terminal is like.

use std::env;

use terminal_size::{Height, Width, terminal_size};

/// Columns and rows. 80 × 24 where nobody knows.
pub(crate) fn size() -> (usize, usize) {
    terminal_size().map_or((80, 24), |(Width(columns), Height(rows))| (columns.into(), rows.into()))
}

/// Whether a live block can be drawn: on a terminal of 40 columns or more that understands commands, and not in CI.
pub(crate) fn is_drawable() -> bool {
    crate::printer::is_terminal()
        && size().0 >= 40
        && env::var_os("TERM").is_none_or(|term| term != "dumb")
        && env::var_os("CI").is_none_or(|ci| ci.is_empty())
}
