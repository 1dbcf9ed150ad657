//! The error type of this crate.

use std::fmt;

use runninghub_core::{Fact, Sentence, Untrusted};

/// An unknown name or an invalid value: one sentence, and a hint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Error {
    what: String,
    hint: Option<String>,
}

impl Error {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), hint: None }
    }

    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The error without its causes, as a message.
    pub fn sentence(&self) -> Sentence {
        Sentence::verbatim(self.to_string())
    }

    /// What the caller can do about it.
    pub fn hint(&self) -> Option<Sentence> {
        self.hint.clone().map(Sentence::verbatim)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names and values come from files and from users.
        Untrusted::from(self.what.as_str()).fmt(f)
    }
}

impl From<&Error> for Fact {
    fn from(error: &Error) -> Self {
        error.sentence().into()
    }
}

impl From<Error> for Fact {
    fn from(error: Error) -> Self {
        error.sentence().into()
    }
}

impl std::error::Error for Error {}
