//! Reading from the terminal without showing what is typed.

use std::io;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::prompt;

/// The terminal with echo off. Dropping it restores the terminal, even if the input is no longer awaited.
pub(crate) struct Echo(Termios);

impl Echo {
    /// Turns the echo off.
    ///
    /// # Errors
    /// If stdin is no terminal.
    pub(crate) fn off() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut hushed = before.clone();
        hushed.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Now, &hushed)?;
        Ok(Self(before))
    }

    /// Reads a line. Blocks.
    ///
    /// # Errors
    /// If stdin cannot be read.
    pub(crate) fn read() -> io::Result<String> {
        prompt::line()
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        // If the terminal is gone, this doesn't matter.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}
