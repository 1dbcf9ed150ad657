//! The error type of this crate.

use std::{error::Error as StdError, sync::Arc};

use runninghub_core::{Fact, Sentence, say};

use crate::State;

/// The error of a ledger operation.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{what}")]
pub struct Error {
    kind: ErrorKind,
    what: Sentence,
    hint: Option<Sentence>,
    #[source]
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// The kinds of [`Error`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The task belongs to another submit, or the submit has another task.
    Conflict,
    /// The store contains invalid data.
    Corrupt,
    /// The transition from one state to the other isn't allowed.
    Edge {
        /// The current state.
        from: State,
        /// The requested state.
        to: State,
    },
    /// The store was written by a newer version of this program.
    Newer,
    /// No submit matches, or several have this prefix.
    NotFound,
    /// The store's location can't be used: no write permission, a full disk, a network file system.
    Store,
}

impl Error {
    /// An error of this kind. The message says what failed, without a period and without the source.
    pub fn new(kind: ErrorKind, what: Sentence) -> Self {
        Self { kind, what, hint: None, source: None }
    }

    /// The store behind a ledger failed.
    pub fn backend(source: impl StdError + Send + Sync + 'static) -> Self {
        Self::new(ErrorKind::Store, say!("the ledger's database failed")).with_source(source)
    }

    /// Sets the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// Sets a hint that replaces the kind's default.
    #[must_use]
    pub fn with_hint(mut self, hint: Sentence) -> Self {
        self.hint = Some(hint);
        self
    }

    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The error without its causes, as a message.
    pub fn sentence(&self) -> Sentence {
        self.what.clone()
    }

    /// How the caller can fix it.
    pub fn hint(&self) -> Option<Sentence> {
        Some(match (&self.hint, self.kind) {
            (Some(hint), _) => hint.clone(),
            (None, ErrorKind::Conflict | ErrorKind::NotFound) => {
                say!("list the submits to see their tasks")
            }
            (None, ErrorKind::Corrupt) => {
                say!("move the ledger to another folder, and check the task list on the website")
            }
            (None, ErrorKind::Edge { .. }) => say!("list the submits to see its state"),
            (None, ErrorKind::Newer) => say!("use the newer version, or choose another state folder"),
            (None, ErrorKind::Store) => {
                say!("choose a writable state folder on a local disk")
            }
        })
    }
}

impl From<&Error> for Fact {
    fn from(error: &Error) -> Self {
        error.sentence().into()
    }
}
