//! Reads tapes.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read as _},
    path::Path,
};

use runninghub_core::say;

use super::{
    FORMAT,
    row::{Base64, Header, Line, Row, Text},
};
use crate::{Error, ErrorKind};

/// The longest accepted line: a binary frame of 64 MiB takes 86 MiB in base64.
const MAX_LINE: u64 = 128 << 20;

/// The rows of a tape, one by one.
///
/// It never panics, whatever the input. An invalid line is an error with its line number, and the next line may still
/// be valid.
#[derive(Debug)]
pub struct TapeReader<R> {
    input: Option<R>,
    number: u64,
    buffer: Vec<u8>,
    header: Option<Header>,
    first: Option<Result<Row, Error>>,
}

/// A whole tape in memory. Its rows are cheap to clone.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Tape {
    /// The header line, if present.
    pub header: Option<Header>,
    /// All rows, in order.
    pub rows: Vec<Row>,
}

impl<R: BufRead> TapeReader<R> {
    /// Reads the first line.
    ///
    /// # Errors
    /// [`ErrorKind::TapeVersion`] for a tape of a newer version, [`ErrorKind::Io`] if it can't be read.
    pub fn new(input: R) -> Result<Self, Error> {
        let mut reader =
            Self { input: Some(input), number: 0, buffer: Vec::new(), header: None, first: None };
        if reader.next_line()? {
            match serde_json::from_slice::<Header>(&reader.buffer) {
                Ok(header) if header.is_header() => {
                    check_format(header.format)?;
                    reader.header = Some(header);
                }
                _ => reader.first = Some(reader.row()),
            }
        }
        Ok(reader)
    }

    /// The header line, if present.
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// Advances to the next line that isn't empty. Returns `false` at the end.
    fn next_line(&mut self) -> Result<bool, Error> {
        loop {
            let Some(input) = &mut self.input else { return Ok(false) };
            self.buffer.clear();
            // A single large preview must not keep its memory for the rest of the tape.
            self.buffer.shrink_to(64 << 10);
            let size = input.take(MAX_LINE).read_until(b'\n', &mut self.buffer).map_err(|error| {
                self.input = None;
                Error::new(ErrorKind::Io, say!("reading failed")).with_source(error)
            })?;
            if size == 0 {
                self.input = None;
                return Ok(false);
            }
            self.number += 1;
            if size as u64 == MAX_LINE {
                self.input = None;
                return Err(Error::line(self.number, say!("is too long for a recording")));
            }
            if !self.buffer.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    fn row(&self) -> Result<Row, Error> {
        let line: Line<Text, Base64> = serde_json::from_slice(self.buffer.trim_ascii()).map_err(|error| {
            let what = if error.is_eof() { say!("is cut off") } else { say!("is not a row of a recording") };
            Error::line(self.number, what).with_source(error)
        })?;
        Row::try_from(line).map_err(|what| Error::line(self.number, what))
    }
}

impl<R: BufRead> Iterator for TapeReader<R> {
    type Item = Result<Row, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        match self.next_line() {
            Ok(true) => Some(self.row()),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    }
}

impl Tape {
    /// Reads a file.
    ///
    /// # Errors
    /// The file can't be read, isn't a tape, is truncated, or was made by a newer version.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|error| Error::file(path, say!("cannot be opened"), error))?;
        Self::parse(BufReader::new(file)).map_err(|error| error.in_file(path))
    }

    /// Reads a tape from memory or any other reader.
    ///
    /// # Errors
    /// As [`Tape::read`].
    pub fn parse(input: impl BufRead) -> Result<Self, Error> {
        let mut reader = TapeReader::new(input)?;
        let rows = reader.by_ref().collect::<Result<_, _>>()?;
        Ok(Self { header: reader.header, rows })
    }
}

impl From<Vec<Row>> for Tape {
    fn from(rows: Vec<Row>) -> Self {
        Self { header: None, rows }
    }
}

pub(crate) fn check_format(format: u64) -> Result<(), Error> {
    if format > FORMAT {
        let what = say!(
            "made by a newer version: it has format {format}, and this version reads up to {known}",
            format,
            known = FORMAT
        );
        return Err(Error::new(ErrorKind::TapeVersion { format }, what));
    }
    Ok(())
}
