//! Writes tapes.

use std::io::Write;

use runninghub_core::say;
use serde::Serialize;

use super::row::{Header, Line, Row};
use crate::{Error, ErrorKind};

/// Writes a tape: a header line, then one line per row.
///
/// Every line is written whole, in one write, and flushed: after a crash all lines except possibly the last are valid.
/// Pass an unbuffered file; a buffered writer would only add a copy.
#[derive(Debug)]
pub struct TapeWriter<W> {
    output: W,
    line: Vec<u8>,
}

impl<W: Write> TapeWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn new(output: W) -> Result<Self, Error> {
        let mut writer = Self { output, line: Vec::new() };
        writer.put(&Header::new())?;
        Ok(writer)
    }

    /// Writes a row; its times are rounded to microseconds.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn write(&mut self, row: &Row) -> Result<(), Error> {
        self.put(&Line::from(row))
    }

    /// Returns the output.
    pub fn into_inner(self) -> W {
        self.output
    }

    fn put(&mut self, value: &impl Serialize) -> Result<(), Error> {
        self.line.clear();
        // A single large preview must not keep its memory for the rest of the run.
        self.line.shrink_to(64 << 10);
        serde_json::to_writer(&mut self.line, value).map_err(|error| {
            Error::new(ErrorKind::Io, say!("a row cannot be written as JSON")).with_source(error)
        })?;
        self.line.push(b'\n');
        self.output.write_all(&self.line).and_then(|()| self.output.flush()).map_err(|error| {
            Error::new(ErrorKind::Io, say!("the recording cannot be written to")).with_source(error)
        })
    }
}
