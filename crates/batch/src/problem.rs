//! Problems in the rows of a batch, with their locations.

use std::{fmt, slice};

use runninghub_core::{Fact, Sentence, say};
use serde::Serialize;

/// Maximum number of problems kept: about a screenful. The others are only counted.
pub const KEPT: usize = 20;

/// The location of a row or a problem in its source.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum At {
    /// The source as a whole.
    #[default]
    Source,
    /// A row, numbered as in a spreadsheet: the header is row 1, and empty rows count. In a matrix, the number of the
    /// combination, from 1.
    Row(u64),
    /// A line of a text file, from 1.
    Line(u64),
}

/// A problem or a warning: where it is, what it is, and how to fix it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Problem {
    /// The row or the line.
    pub at: At,
    /// The column, or the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What is wrong.
    pub what: Sentence,
    /// How to fix it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cure: Option<Sentence>,
}

/// The first [`KEPT`] problems of a source, in order, and the total number.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Problems {
    first: Vec<Problem>,
    count: usize,
}

impl Problem {
    pub(crate) fn new(at: At, what: Sentence) -> Self {
        Self { at, column: None, what, cure: None }
    }

    pub(crate) fn source(what: Sentence) -> Self {
        Self::new(At::Source, what)
    }

    #[must_use]
    pub(crate) fn column(self, column: impl Into<String>) -> Self {
        Self { column: Some(column.into()), ..self }
    }

    #[must_use]
    pub(crate) fn cure(self, cure: impl Into<Option<Sentence>>) -> Self {
        Self { cure: cure.into(), ..self }
    }

    #[must_use]
    pub(crate) fn at(self, at: At) -> Self {
        Self { at, ..self }
    }

    /// The location and the problem, without the fix.
    pub fn sentence(&self) -> Sentence {
        let what = &self.what;
        match (self.at, self.column.as_deref()) {
            (At::Source, None) => what.clone(),
            (At::Source, Some(column)) => say!("`{column}`: {what}", column, what),
            (At::Row(row), None) => say!("row {row}: {what}", row, what),
            (At::Row(row), Some(column)) => {
                say!("row {row}, column `{column}`: {what}", row, column, what)
            }
            (At::Line(line), None) => say!("line {line}: {what}", line, what),
            (At::Line(line), Some(column)) => say!("line {line}, `{column}`: {what}", line, column, what),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sentence().fmt(f)
    }
}

impl From<&Problem> for Fact {
    fn from(problem: &Problem) -> Self {
        problem.sentence().into()
    }
}

impl Problems {
    /// The total number of problems, including those that aren't kept.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether there are no problems.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The first problems.
    pub fn iter(&self) -> slice::Iter<'_, Problem> {
        self.first.iter()
    }

    pub(crate) fn add(&mut self, problem: Problem) {
        self.count += 1;
        if self.first.len() < KEPT {
            self.first.push(problem);
        }
    }

    pub(crate) fn extend(&mut self, other: Self) {
        let unkept = other.count - other.first.len();
        other.first.into_iter().for_each(|problem| self.add(problem));
        self.count += unkept;
    }
}

impl<'a> IntoIterator for &'a Problems {
    type IntoIter = slice::Iter<'a, Problem>;
    type Item = &'a Problem;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self { first: vec![problem], count: 1 }
    }
}
