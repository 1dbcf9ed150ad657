//! The records in the state folder.

use std::{
    collections::{HashMap, hash_map::Entry as Slot},
    path::{Path, PathBuf},
    sync::Arc,
};

use runninghub_core::{Place, TaskId};
use runninghub_ledger::{Entry, Error as LedgerError, Filter, Ledger, State, Step};

use super::Workspace;
use crate::{Error, History, Service};

impl Workspace {
    /// The ledger: the submits of this machine.
    ///
    /// # Errors
    /// When it cannot be opened for writing; without the feature `sqlite`, unless [another
    /// ledger](Self::with_ledger) was given.
    pub fn ledger(&self) -> Result<Arc<dyn Ledger>, LedgerError> {
        if let Some(ledger) = self.0.ledger.get() {
            return Ok(Arc::clone(ledger));
        }
        let opened = open(self.dir())?;
        // Two threads that race may both open it; either result is fine.
        Ok(Arc::clone(self.0.ledger.get_or_init(|| opened)))
    }

    /// The ledger for reading only: works even if nothing can be written.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn ledger_to_read(&self) -> Result<Arc<dyn Ledger>, LedgerError> {
        self.ledger().or_else(|error| open_to_read(self.dir(), error))
    }

    /// The history: how long the nodes of earlier runs took.
    pub fn history(&self) -> History {
        History::new(self.dir().join("durations"))
    }

    pub(crate) fn uploads(&self) -> PathBuf {
        self.dir().join("uploads")
    }

    /// The folder of locks for the frames of prompts.
    pub(crate) fn turns(&self) -> PathBuf {
        self.dir().join("sockets")
    }

    pub(crate) fn classes(&self) -> PathBuf {
        self.dir().join("classes")
    }

    /// Polls every accepted task whose end is not in the ledger, and records the result. `connect` returns the
    /// service of a place, or `None` to skip its tasks. Each task is returned in its current state, or with the
    /// reason why it could not be polled.
    ///
    /// # Errors
    /// When the ledger cannot be read or written, and the errors of `connect`.
    pub async fn refresh<E: From<LedgerError>>(
        &self,
        mut connect: impl FnMut(&Place) -> Result<Option<Arc<dyn Service>>, E>,
    ) -> Result<Vec<(Entry, Result<(), Error>)>, E> {
        let ledger = self.ledger()?;
        let open = ledger.entries(Filter::all().open().with_task()).await?;
        let mut services: HashMap<Place, Option<Arc<dyn Service>>> = HashMap::new();
        let mut seen = Vec::new();
        for entry in open.into_iter().filter(|entry| entry.state == State::Accepted) {
            let service = match services.entry(entry.intent.place.clone()) {
                Slot::Occupied(known) => known.into_mut(),
                Slot::Vacant(new) => {
                    let service = connect(new.key())?;
                    new.insert(service)
                }
            };
            let Some(service) = service else { continue };
            seen.push(match service.refresh(&entry).await {
                Ok(entry) => (entry, Ok(())),
                Err(error) => (entry, Err(error)),
            });
        }
        Ok(seen)
    }

    /// Records that a submit of unknown outcome has this task, without querying the service.
    ///
    /// # Errors
    /// For a submit that has another task, and when the ledger cannot be written.
    pub async fn bind(&self, entry: &Entry, task: &TaskId) -> Result<Entry, LedgerError> {
        self.step(entry, Step::Accepted { task: task.clone() }).await
    }

    /// Records that the user found no task for a submit.
    ///
    /// # Errors
    /// For a submit that has one, and when the ledger cannot be written.
    pub async fn absent(&self, entry: &Entry) -> Result<Entry, LedgerError> {
        self.step(entry, Step::Absent { note: "checked by hand: there is no task".to_owned() }).await
    }

    async fn step(&self, entry: &Entry, step: Step) -> Result<Entry, LedgerError> {
        let ledger = self.ledger()?;
        ledger.advance(&entry.attempt, step).await?;
        ledger.entry(Filter::all().attempt(entry.attempt.as_str())).await
    }
}

#[cfg(feature = "sqlite")]
fn open(dir: &Path) -> Result<Arc<dyn Ledger>, LedgerError> {
    Ok(Arc::new(runninghub_ledger::SqliteLedger::open(dir)?))
}

#[cfg(feature = "sqlite")]
fn open_to_read(dir: &Path, _: LedgerError) -> Result<Arc<dyn Ledger>, LedgerError> {
    Ok(Arc::new(runninghub_ledger::SqliteLedger::open_to_read(dir)?))
}

#[cfg(not(feature = "sqlite"))]
fn open(_: &Path) -> Result<Arc<dyn Ledger>, LedgerError> {
    Err(LedgerError::new(
        runninghub_ledger::ErrorKind::NotFound,
        runninghub_core::say!(
            "this build has no ledger: pass one to the workspace, or enable the feature `sqlite`"
        ),
    ))
}

#[cfg(not(feature = "sqlite"))]
fn open_to_read(_: &Path, error: LedgerError) -> Result<Arc<dyn Ledger>, LedgerError> {
    Err(error)
}
