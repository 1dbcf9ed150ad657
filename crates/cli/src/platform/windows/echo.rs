//! Reading from the console without showing what is typed.

use std::io;

/// The console. Reading turns the echo off itself.
pub(crate) struct Echo;

impl Echo {
    /// Prepares to read.
    ///
    /// # Errors
    /// Never on this system.
    #[expect(clippy::unnecessary_wraps, reason = "it fails on other systems")]
    pub(crate) fn off() -> io::Result<Self> {
        Ok(Self)
    }

    /// Reads a line. Blocks.
    ///
    /// # Errors
    /// If the console cannot be read.
    pub(crate) fn read() -> io::Result<String> {
        rpassword::read_password()
    }
}
