//! CSV and TSV.

use std::{path::PathBuf, sync::Arc};

use csv::{ReaderBuilder, StringRecord};
use runninghub_core::say;

use super::text::decode;
use crate::{At, Error, Given, MAX_ROWS, Problem, Problems, Row, Rows, field::Field, steering::Steering};

/// Maximum number of columns: a table with more is probably transposed.
const MAX_COLUMNS: usize = 1_000;
/// Separators of cells, the most likely first.
const SEPARATORS: [u8; 3] = *b",\t;";

/// Columns that report how a row of an earlier run ended.
const REPORTS: [&str; 3] = ["_error", "_code", "_task"];

/// The meaning of a column's cells.
enum Column {
    Field {
        name: Arc<str>,
        is_file: bool,
    },
    Steering(Steering),
    /// Tables of failed rows also have this column, and can be read again.
    Report,
    /// The header is empty or wrong, so its cells must be empty.
    Nameless,
}

impl Rows {
    /// Reads a table: CSV with `,` or `;`, or TSV.
    ///
    /// Header cells name fields: `6.text`, `Prompt.text`, `6:text`, or `prompt`. A cell is verbatim text; with an `@`
    /// at the end of the header, the path of a file, where an empty cell leaves the field as it is. Columns that begin
    /// with `_` steer: `_id`, `_out`, `_repeat`, `_priority`, `_instance`, `_profile`, `_webhook`; `_error`, `_code`
    /// and `_task`, which a table of failed rows has, are skipped. So are rows without any text.
    ///
    /// # Errors
    /// All problems, with the rows as a spreadsheet counts them.
    pub fn from_table(bytes: &[u8]) -> Result<Self, Error> {
        let text = decode(bytes)?;
        let (text, hidden, separator) = separator(&text);
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator)
            .from_reader(text.as_bytes());
        let mut numbers = Numbers { text, next: 1 + hidden };
        let mut record = StringRecord::new();
        // The text is UTF-8 and in memory: reading cannot fail.
        if !reader.read_record(&mut record).unwrap_or(false) {
            let cure =
                say!("the first row has the field names, for example 6.text; every other row is a run");
            return Err(Problem::source(say!("the file is empty")).cure(cure).into());
        }
        let header = numbers.of(&record);
        if record.len() > MAX_COLUMNS {
            let n = record.len();
            let what = say!("the table has {n} columns; the maximum is {most}", n, most = MAX_COLUMNS);
            return Err(Problem::new(At::Row(header), what)
                .cure(say!("each run is a row, not a column"))
                .into());
        }
        let mut table = Table::default();
        table.header(&record, At::Row(header));
        while reader.read_record(&mut record).unwrap_or(false) {
            let at = At::Row(numbers.of(&record));
            if table.rows.rows.len() == MAX_ROWS {
                let what = say!("the table has more than {most} rows", most = MAX_ROWS);
                table.problems.add(Problem::new(at, what).cure(say!("split it into several batches")));
                break;
            }
            table.row(&record, at);
            if is_unclosed(numbers.rest(&record), separator) {
                let cure = say!("double a quote inside a quoted cell");
                table.problems.add(Problem::new(at, say!("a quoted cell is not closed")).cure(cure));
            }
        }
        if table.rows.rows.is_empty() && table.problems.is_empty() {
            let what = say!("the table has a header but no rows");
            return Err(Problem::source(what).cure(say!("each row below the header is a run")).into());
        }
        table.problems.unless_any(table.rows)
    }
}

#[derive(Default)]
struct Table {
    columns: Vec<Column>,
    names: Vec<String>,
    rows: Rows,
    problems: Problems,
}

impl Table {
    fn header(&mut self, record: &StringRecord, at: At) {
        for (index, written) in record.iter().enumerate() {
            let written = written.trim();
            let column = match written {
                "" => Ok(Column::Nameless),
                name if REPORTS.contains(&name) => Ok(Column::Report),
                name if name.starts_with('_') => Steering::column(name).map(Column::Steering),
                name => Field::parse(name)
                    .map(|Field { name, is_file }| Column::Field { name: name.into(), is_file })
                    .map_err(|what| {
                        (what, Some(say!("a column header is a field such as 6.text or Prompt.text")))
                    }),
            };
            let column =
                column.and_then(|column| match self.columns.iter().position(|known| *known == column) {
                    Some(other) if !matches!(column, Column::Nameless) => {
                        let what = say!("the column sets the same field as column {n}", n = other + 1);
                        Err((what, Some(say!("keep one of them"))))
                    }
                    _ => Ok(column),
                });
            let name = if written.is_empty() { (index + 1).to_string() } else { written.to_owned() };
            self.columns.push(column.unwrap_or_else(|(what, cure)| {
                self.problems.add(Problem::new(at, what).column(&*name).cure(cure));
                Column::Nameless
            }));
            self.names.push(name);
        }
        if !self.columns.iter().any(|column| matches!(column, Column::Field { .. }))
            && self.problems.is_empty()
        {
            let cure = say!("the first row has the field names, for example 6.text");
            self.problems.add(Problem::new(at, say!("no column is a field")).cure(cure));
        }
    }

    fn row(&mut self, record: &StringRecord, at: At) {
        if record.iter().all(str::is_empty) {
            return;
        }
        let beyond = record.iter().skip(self.columns.len()).any(|cell| !cell.is_empty());
        if beyond || record.len() < self.columns.len() {
            let (cells, columns) = (record.len(), self.columns.len());
            let what = say!("it has {cells} cells, the header has {columns}", cells, columns);
            let cure = say!("a cell with a separator, a quote or a line break needs quotes around it");
            self.problems.add(Problem::new(at, what).cure(cure));
            return;
        }
        let mut row = Row { at, ..Row::default() };
        for ((cell, column), name) in record.iter().zip(&self.columns).zip(&self.names) {
            match column {
                Column::Steering(steering) => {
                    if let Err((what, cure)) = steering.apply(&mut row, cell) {
                        self.problems.add(Problem::new(at, what).column(name).cure(cure));
                    }
                }
                Column::Field { is_file: true, .. } if cell.trim().is_empty() => {}
                Column::Field { name, is_file: true } => {
                    row.set.insert(name.clone(), Given::File(PathBuf::from(cell.trim())));
                }
                Column::Field { name, is_file: false } => {
                    row.set.insert(name.clone(), Given::Text(cell.to_owned()));
                }
                Column::Report => {}
                // A wrong header has been reported already.
                Column::Nameless if cell.is_empty() || !name.bytes().all(|byte| byte.is_ascii_digit()) => {}
                Column::Nameless => {
                    let cure = say!("name the field in the first row, or delete the column");
                    self.problems
                        .add(Problem::new(at, say!("the column has no header")).column(name).cure(cure));
                }
            }
        }
        self.rows.rows.push(row);
    }
}

impl PartialEq for Column {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Field { name: a, .. }, Self::Field { name: b, .. }) => a == b,
            (Self::Steering(a), Self::Steering(b)) => a == b,
            _ => false,
        }
    }
}

/// Counts rows as a spreadsheet does, including empty rows, which the reader skips.
struct Numbers<'t> {
    text: &'t str,
    next: u64,
}

impl<'t> Numbers<'t> {
    fn of(&mut self, record: &StringRecord) -> u64 {
        let rest = self.rest(record).as_bytes();
        let start = self.text.len() - rest.len();
        // The second half of a line break may still be ahead.
        let half = start.checked_sub(1).and_then(|before| self.text.as_bytes().get(before)) == Some(&b'\r');
        let mut rest = if half { rest.strip_prefix(b"\n").unwrap_or(rest) } else { rest };
        while let Some(after) = rest
            .strip_prefix(b"\r\n")
            .or_else(|| rest.strip_prefix(b"\n"))
            .or_else(|| rest.strip_prefix(b"\r"))
        {
            self.next += 1;
            rest = after;
        }
        let number = self.next;
        self.next += 1;
        number
    }

    /// The text from the beginning of a record.
    fn rest(&self, record: &StringRecord) -> &'t str {
        let start = record.position().and_then(|position| usize::try_from(position.byte()).ok());
        start.and_then(|start| self.text.get(start..)).unwrap_or_default()
    }
}

/// The text after a line that names the separator, the number of such lines, and the separator. Without such a line, it
/// is the separator that gives the header the most cells.
fn separator(text: &str) -> (&str, u64, u8) {
    if let Some((line, rest)) = text.split_once('\n')
        && let Some(&[byte]) = line.trim_end().strip_prefix("sep=").map(str::as_bytes)
    {
        return (rest, 1, byte);
    }
    let cells = |separator: &u8| {
        let reader =
            ReaderBuilder::new().has_headers(false).delimiter(*separator).from_reader(text.as_bytes());
        reader.into_records().next().and_then(Result::ok).map_or(0, |record| record.len())
    };
    // `max_by_key` returns the last of equals.
    let best = SEPARATORS.into_iter().rev().max_by_key(cells);
    (text, 0, best.unwrap_or(b','))
}

/// Whether a text that begins with a record ends inside a quoted cell of this record. The reader silently ends the cell
/// there, so all rows after the quote would be one cell.
fn is_unclosed(rest: &str, separator: u8) -> bool {
    let mut bytes = rest.trim_start_matches(['\r', '\n']).bytes();
    let mut starts = true;
    while let Some(byte) = bytes.next() {
        if starts && byte == b'"' {
            // After a closing quote comes a second one (an escaped quote) or the next cell.
            let mut behind = None;
            while behind.is_none() {
                if !bytes.by_ref().any(|byte| byte == b'"') {
                    return true;
                }
                behind = match bytes.next() {
                    Some(b'"') => None,
                    other => Some(other.unwrap_or(b'\n')),
                };
            }
            starts = behind == Some(separator);
            if matches!(behind, Some(b'\n' | b'\r')) {
                return false;
            }
            continue;
        }
        if matches!(byte, b'\n' | b'\r') {
            return false;
        }
        starts = byte == separator;
    }
    false
}
