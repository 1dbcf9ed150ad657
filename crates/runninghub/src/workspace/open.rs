//! The state folder, and the runs of this process.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use runninghub_core::{Line, TaskId};
use runninghub_ledger::Ledger;
use tokio::sync::broadcast;

use super::handle::Handle;

/// Number of lines that a subscriber may fall behind. Progress is limited to ten lines a second, so this is half a
/// minute for a dozen tasks.
const BACKLOG: usize = 4096;

/// The state folder of a machine, and the runs of this process. Cheap to clone.
///
/// Every front end builds on it: services record their submits in its ledger ([`Builder::workspace`],
/// [`ComfyBuilder::workspace`]), [`find`](Self::find) finds the task for a user's text, and [`start`](Self::start)
/// runs a task in the background, for any number of subscribers.
///
/// Dropping the last clone ends the runs. Their tasks continue, and can be followed again.
///
/// [`Builder::workspace`]: crate::Builder::workspace
/// [`ComfyBuilder::workspace`]: crate::ComfyBuilder::workspace
#[derive(Clone)]
pub struct Workspace(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) dir: PathBuf,
    /// Opened on first use.
    pub(super) ledger: OnceLock<Arc<dyn Ledger>>,
    pub(super) running: Arc<Running>,
}

/// The runs of this process, and their lines.
pub(super) struct Running {
    tasks: Mutex<BTreeMap<TaskId, Handle>>,
    pub(super) lines: broadcast::Sender<Arc<Line>>,
}

impl Workspace {
    /// Opens the state folder `dir`. It is created with the first record.
    pub fn open(dir: impl AsRef<Path>) -> Self {
        Self::new(dir.as_ref().to_owned(), OnceLock::new())
    }

    /// Opens the folder with a ledger other than its own.
    pub fn with_ledger(dir: impl AsRef<Path>, ledger: Arc<dyn Ledger>) -> Self {
        Self::new(dir.as_ref().to_owned(), OnceLock::from(ledger))
    }

    fn new(dir: PathBuf, ledger: OnceLock<Arc<dyn Ledger>>) -> Self {
        let running = Arc::new(Running { tasks: Mutex::default(), lines: broadcast::Sender::new(BACKLOG) });
        Self(Arc::new(Inner { dir, ledger, running }))
    }

    /// The state folder.
    pub fn dir(&self) -> &Path {
        &self.0.dir
    }

    /// The runs of this process that are not over, by task id.
    pub fn running(&self) -> Vec<Handle> {
        self.0.running.tasks().values().cloned().collect()
    }

    /// All lines of all runs of this process from now on. The [snapshots](Handle::snapshot) of
    /// [`running`](Self::running) complete them, if they are taken afterwards.
    pub fn lines(&self) -> broadcast::Receiver<Arc<Line>> {
        self.0.running.lines.subscribe()
    }
}

impl Running {
    pub(super) fn tasks(&self) -> MutexGuard<'_, BTreeMap<TaskId, Handle>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        for handle in self.running.tasks().values() {
            handle.detach();
        }
    }
}

impl fmt::Debug for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workspace").field("dir", &self.0.dir).finish_non_exhaustive()
    }
}
