//! The error type of this crate.

use std::fmt;

use runninghub_core::{Fact, Sentence, say};

use crate::{Problem, Problems};

/// Rows that cannot run, with every problem of the source, so that all can be fixed at once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Error {
    first: Box<Problem>,
    problems: Problems,
}

impl Error {
    /// All problems: at least one.
    pub fn problems(&self) -> &Problems {
        &self.problems
    }

    /// The same problems in a column or at a key.
    pub(crate) fn in_column(&self, column: &str) -> Self {
        let mut problems = Problems::default();
        self.problems.iter().for_each(|problem| problems.add(problem.clone().column(column)));
        Self { first: self.first.clone().column(column).into(), problems }
    }

    /// The first problem, and how many more there are.
    pub fn sentence(&self) -> Sentence {
        let first = &*self.first;
        match self.problems.count() {
            0 | 1 => first.sentence(),
            2 => say!("{first}; and 1 more problem", first),
            count => say!("{first}; and {n} more problems", first, n = count - 1),
        }
    }

    /// How to fix the first problem.
    pub fn hint(&self) -> Option<Sentence> {
        self.first.cure.clone()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sentence().fmt(f)
    }
}

impl std::error::Error for Error {}

impl From<&Error> for Fact {
    fn from(error: &Error) -> Self {
        error.sentence().into()
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self { first: problem.clone().into(), problems: problem.into() }
    }
}

impl Problems {
    /// The value, if there are no problems.
    pub(crate) fn unless_any<T>(self, value: T) -> Result<T, Error> {
        match self.iter().next() {
            Some(first) => Err(Error { first: first.clone().into(), problems: self }),
            None => Ok(value),
        }
    }
}
