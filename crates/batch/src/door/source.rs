//! Where the rows of a batch come from.

use std::path::Path;

use runninghub_core::{Kind, say};

use crate::{Axis, Digest, Dimension, Error, Files, Given, Job, JobLimits, Problem, Rows};

/// The format of a source.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// CSV or TSV.
    Table,
    /// One JSON object a line.
    JsonLines,
    /// A TOML job.
    Job,
}

/// A parsed source.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Its rows.
    pub rows: Rows,
    /// Its target, if given: the kind, and the id or endpoint.
    pub target: Option<(Kind, String)>,
    /// Its limits.
    pub limits: JobLimits,
    /// The digest of its content.
    pub spec: Digest,
}

impl Format {
    /// Chosen by the file extension, or else by the first character: JSON Lines begin with `{`.
    ///
    /// # Errors
    /// For a JSON document that isn't JSON Lines.
    pub fn of(name: Option<&Path>, bytes: &[u8]) -> Result<Self, Error> {
        let extension = name.and_then(Path::extension).unwrap_or_default().to_string_lossy().to_lowercase();
        let first = bytes.iter().find(|byte| byte.is_ascii() && !byte.is_ascii_whitespace() && **byte != 0);
        Ok(match (&*extension, first) {
            ("csv" | "tsv", _) => Self::Table,
            ("toml", _) => Self::Job,
            (_, Some(b'[')) if extension != "txt" => {
                let what = say!("it is a JSON list, not JSON Lines");
                let cure = say!("write each object on a line of its own, without brackets and commas");
                return Err(Problem::source(what).cure(cure).into());
            }
            ("jsonl" | "ndjson" | "json", _) | (_, Some(b'{')) => Self::JsonLines,
            _ => Self::Table,
        })
    }
}

impl Source {
    /// Reads a table, JSON Lines or a job.
    ///
    /// # Errors
    /// All problems of the source.
    pub fn read(name: Option<&Path>, bytes: &[u8], files: &dyn Files) -> Result<Self, Error> {
        let spec = Digest::of(bytes);
        let rows = match Format::of(name, bytes)? {
            Format::Table => Rows::from_table(bytes)?,
            Format::JsonLines => Rows::from_json_lines(bytes)?,
            Format::Job => {
                let Job { target, rows, limits } = Job::parse(bytes, files)?;
                return Ok(Self { rows, target, limits, spec });
            }
        };
        Ok(Self { rows, target: None, limits: JobLimits::default(), spec })
    }

    /// Combines axes: every combination of their values, or step by step with `zip`.
    ///
    /// # Errors
    /// If a field occurs twice or has no values, or zipped axes differ in length.
    pub fn combine(axes: Vec<Axis>, zip: bool) -> Result<Self, Error> {
        let spec = spec(&axes, zip);
        let dimensions =
            if zip { vec![Dimension::zip(axes)?] } else { axes.into_iter().map(Into::into).collect() };
        let rows = Rows::combine(&dimensions)?;
        Ok(Self { rows, target: None, limits: JobLimits::default(), spec })
    }
}

/// The digest of axes and their values.
fn spec(axes: &[Axis], zip: bool) -> Digest {
    let mut text = format!("{zip}");
    for axis in axes {
        text.extend(["\0", axis.field()]);
        for value in axis.values() {
            let kind = match value {
                Given::Text(_) => "\0t",
                Given::Json(_) => "\0j",
                Given::File(_) => "\0f",
            };
            text.extend([kind, &value.text()]);
        }
    }
    Digest::of(text)
}
