//! Where output goes.

use std::io::{self, IsTerminal as _};

/// Whether stdout and stderr lead to the same destination: a terminal, a pipe, a file.
pub(crate) fn is_one_place() -> bool {
    let (out, err) = (io::stdout(), io::stderr());
    match (rustix::fs::fstat(&out), rustix::fs::fstat(&err)) {
        (Ok(out), Ok(err)) => (out.st_dev, out.st_ino) == (err.st_dev, err.st_ino),
        _ => out.is_terminal() && err.is_terminal(),
    }
}

/// Width and height of a cell in pixels, if the terminal reports them.
#[cfg(feature = "preview")]
pub(crate) fn cell() -> Option<(usize, usize)> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    let side = |pixels: u16, cells: u16| pixels.checked_div(cells).filter(|side| *side > 0).map(usize::from);
    side(size.ws_xpixel, size.ws_col).zip(side(size.ws_ypixel, size.ws_row))
}
