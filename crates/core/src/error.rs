//! The error type of this crate.

use std::error::Error as StdError;

use crate::{Sentence, say};

/// An error that makes a workflow or a table of priors unusable.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct Error {
    kind: ErrorKind,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The reason for an [`Error`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is not JSON.
    NotJson,
    /// Valid JSON, but not a workflow: not an object of nodes.
    NotAWorkflow,
    /// A workflow in the editor's format. Only the API format can be run.
    UiFormat,
    /// A workflow without any node.
    Empty,
    /// A table of expected seconds that cannot be parsed, or that contains an out-of-range number.
    BadPriors,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self { kind, source: None }
    }

    pub(crate) fn caused(kind: ErrorKind, source: serde_json::Error) -> Self {
        Self { kind, source: Some(Box::new(source)) }
    }

    /// The reason for the error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The error without its causes, as a message.
    pub fn sentence(&self) -> Sentence {
        match self.kind {
            ErrorKind::NotJson => say!("the workflow is not valid JSON"),
            ErrorKind::NotAWorkflow => say!("the JSON is not a workflow in API format"),
            ErrorKind::UiFormat => say!("the workflow is in the editor's format, not in API format"),
            ErrorKind::Empty => say!("the workflow has no nodes"),
            ErrorKind::BadPriors => say!("the priors cannot be used"),
        }
    }

    /// How the caller can fix it.
    pub fn hint(&self) -> Option<Sentence> {
        Some(match self.kind {
            ErrorKind::UiFormat => say!("export it from the editor with `Workflow > Export (API)`"),
            ErrorKind::BadPriors => say!("docs/progress.md describes the format"),
            _ => {
                say!("use a workflow in API format, exported from the editor with `Workflow > Export (API)`")
            }
        })
    }
}
