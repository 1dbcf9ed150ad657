//! Where output goes.

use std::io::{self, IsTerminal as _};

/// Whether stdout and stderr lead to the same console.
pub(crate) fn is_one_place() -> bool {
    io::stdout().is_terminal() && io::stderr().is_terminal()
}

/// The console doesn't report the size of a cell.
#[cfg(feature = "preview")]
pub(crate) fn cell() -> Option<(usize, usize)> {
    None
}
