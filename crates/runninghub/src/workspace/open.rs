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

/// Lines that a subscriber may fall behind by. Progress comes ten times a second at most, so that this is half a minute of
/// a dozen tasks.
const BACKLOG: usize = 4096;

/// The state folder of a machine, and the runs of this process. Cheap to clone.
///
/// Every front end is a view of it: services write their submits into its ledger ([`Builder::workspace`],
/// [`ComfyBuilder::workspace`]), [`find`](Self::find) turns what a person wrote into a task, and [`start`](Self::start) runs
/// a task in the background, for any number of subscribers.
///
/// Runs end with the last clone of it. Their tasks go on, and can be followed again.
///
/// [`Builder::workspace`]: crate::Builder::workspace
/// [`ComfyBuilder::workspace`]: crate::ComfyBuilder::workspace
#[derive(Clone)]
pub struct Workspace(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) dir: PathBuf,
    /// Opened when it is first needed.
    pub(super) ledger: OnceLock<Arc<dyn Ledger>>,
    pub(super) running: Arc<Running>,
}

/// The runs of this process, and what is said about them.
pub(super) struct Running {
    tasks: Mutex<BTreeMap<TaskId, Handle>>,
    pub(super) lines: broadcast::Sender<Arc<Line>>,
}

impl Workspace {
    /// Opens the state folder `dir`. It is created with the first record.
    pub fn open(dir: impl AsRef<Path>) -> Self {
        Self::new(dir.as_ref().to_owned(), OnceLock::new())
    }

    /// The same with a ledger of another kind than the folder's own.
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

    /// Everything that is said about any run of this process from here on. The [snapshots](Handle::snapshot) of
    /// [`running`](Self::running) complete it, if they are taken afterwards.
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
