//! The error type of this crate.

use std::fmt;

use runninghub_core::Untrusted;

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

    /// The hint for the caller, safe to show.
    pub fn hint(&self) -> Option<String> {
        self.hint.as_deref().map(|hint| Untrusted::from(hint).to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names and values come from files and from users.
        Untrusted::from(self.what.as_str()).fmt(f)
    }
}

impl std::error::Error for Error {}
