//! The error type of this crate.

use std::fmt;

use runninghub_core::Sentence;

/// An unknown name or an invalid value: one sentence, and a hint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Error {
    what: Sentence,
    hint: Option<Sentence>,
}

impl Error {
    pub(crate) fn new(what: Sentence) -> Self {
        Self { what, hint: None }
    }

    pub(crate) fn with_hint(self, hint: Sentence) -> Self {
        Self { hint: Some(hint), ..self }
    }

    /// The error as a message.
    pub fn sentence(&self) -> Sentence {
        self.what.clone()
    }

    /// How the caller can fix it.
    pub fn hint(&self) -> Option<Sentence> {
        self.hint.clone()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.what.fmt(f)
    }
}

impl std::error::Error for Error {}
