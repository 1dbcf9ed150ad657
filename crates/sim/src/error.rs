//! Errors before and during the start of the simulator.

use std::{fmt, path::Path};

/// Why a scenario could not be read or the simulator could not be started.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Error {
    what: String,
    kind: ErrorKind,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The kinds of [`Error`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A recording could not be read, or it contains no accepted prompt.
    Scenario,
    /// A fault's name or value is not one of [`Fault::all`](crate::Fault::all).
    Fault,
    /// The address is not on loopback, or it could not be bound.
    Listen,
    /// Not a version of ComfyUI.
    Version,
}

impl Error {
    /// The kind of this error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub(crate) fn new(kind: ErrorKind, what: impl fmt::Display) -> Self {
        Self { what: what.to_string(), kind, source: None }
    }

    pub(crate) fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(crate) fn unreadable(
        path: &Path,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::new(ErrorKind::Scenario, format_args!("cannot read {}", path.display())).caused_by(source)
    }
}
