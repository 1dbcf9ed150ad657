//! The one error of this crate.

use std::{error::Error as StdError, sync::Arc};

use crate::State;

/// Why the ledger could not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{what}")]
pub struct Error {
    kind: ErrorKind,
    what: String,
    hint: Option<&'static str>,
    #[source]
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// The kinds of [`Error`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The task belongs to another submit, or the submit has another task.
    Conflict,
    /// What is in the store makes no sense.
    Corrupt,
    /// There is no such way from one state to the other.
    Edge {
        /// Where it stands.
        from: State,
        /// Where it was to go.
        to: State,
    },
    /// A newer version of this program has written the store.
    Newer,
    /// There is no such submit, or several that begin like that.
    NotFound,
    /// The place of the store cannot be used: no right to write, a full disk, a network file system.
    Store,
}

impl Error {
    /// An error of a kind. The message says what failed, without a period and without the source.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, what: message.into(), hint: None, source: None }
    }

    /// The store behind a ledger failed.
    pub fn backend(source: impl StdError + Send + Sync + 'static) -> Self {
        Self::new(ErrorKind::Store, "the ledger's store failed").with_source(source)
    }

    /// Adds what caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// Gives a better hint than that of the kind.
    #[must_use]
    pub fn with_hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// What kind of error it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        self.hint.or(match self.kind {
            ErrorKind::Conflict | ErrorKind::NotFound => {
                Some("`rhub tasks` lists every submit with its task")
            }
            ErrorKind::Corrupt => {
                Some("keep a copy of the ledger, move it away, and look at the tasks on the web page")
            }
            ErrorKind::Edge { .. } => Some("`rhub tasks` shows where it stands"),
            ErrorKind::Newer => {
                Some("use the newer version of rhub, or another folder with `--state-dir PATH`")
            }
            ErrorKind::Store => {
                Some("name a folder on a local disk that you can write to with `--state-dir PATH`")
            }
        })
    }
}
