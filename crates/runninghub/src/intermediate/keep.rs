//! Downloads these files while the task runs: afterwards its machine may be gone.

use std::{
    collections::HashSet,
    fmt,
    future::ready,
    mem,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures_util::{StreamExt as _, stream};
use runninghub_core::{Event, FileUrl, NodeFile, NodeId, Output, OutputFile, SocketUrl, TaskId, say};
use runninghub_net::{Files, SavedFile, result_name};
use tokio::{sync::mpsc, task::JoinSet};

use super::address::addresses;
use crate::{
    Error, ErrorKind, RunningHub,
    save::{failed, published},
};

/// Concurrent downloads: a node may show hundreds of images.
const AT_ONCE: usize = 4;
/// Maximum number of files kept per task: far more than a workflow shows.
const MOST: usize = 1000;
/// Failures in a row after which the rest is skipped: the URLs are wrong, or access is denied.
const HOPELESS: usize = 4;

/// Downloads the files that nodes show during the run (`PreviewImage` and the like), which the platform never lists,
/// and those that were saved but are not listed because the task failed. Created by
/// [`Service::intermediates`](crate::Service::intermediates).
///
/// Only the socket names these files, so those shown before it was connected are not known. The platform documents
/// no endpoint for them: they are downloaded from the socket's host with its ticket, and otherwise from the host of
/// the results, as other clients do. Downloads run in the background until this is dropped.
pub struct Intermediates {
    task: TaskId,
    /// Each file with its local name. `None` when no more will come.
    wanted: Option<mpsc::UnboundedSender<(String, Wanted)>>,
    count: usize,
    fetched: mpsc::UnboundedReceiver<Intermediate>,
    /// Stopped when this is dropped.
    _worker: JoinSet<()>,
    socket: Option<SocketUrl>,
    seen: HashSet<NodeFile>,
    /// Saved files: most of them are results.
    saved: Vec<Wanted>,
}

/// The download of one file.
#[derive(Debug)]
#[non_exhaustive]
pub struct Intermediate {
    /// The node that wrote it.
    pub node_id: NodeId,
    /// The file, as named by the node.
    pub node_file: NodeFile,
    /// The local file, or why there is none.
    pub file: Result<SavedFile, Error>,
}

impl From<&Intermediate> for Output {
    /// The file in the published format; without its path if it was not downloaded.
    fn from(one: &Intermediate) -> Self {
        let extension = one.node_file.filename.rsplit_once('.').map(|(_, extension)| extension);
        let listed = OutputFile {
            node_id: Some(one.node_id.clone()),
            file_type: extension.map(str::to_ascii_lowercase),
            ..OutputFile::default()
        };
        Self { intermediate: true, ..published(listed, one.file.as_ref().ok()) }
    }
}

struct Wanted {
    node_id: NodeId,
    node_file: NodeFile,
    addresses: Vec<String>,
}

impl RunningHub {
    /// Begins to download files that only the socket names; every event of the run has to be passed to
    /// [`Intermediates::see`]. The folder is created with the first file.
    pub(crate) fn keep_intermediates(&self, task: &TaskId, dir: &Path) -> Intermediates {
        let (wanted, mut queue) = mpsc::unbounded_channel();
        let (sender, fetched) = mpsc::unbounded_channel();
        let place = Arc::new(Downloads {
            files: self.0.client.files().clone(),
            dir: dir.to_owned(),
            failures: AtomicUsize::new(0),
        });
        let mut worker = JoinSet::new();
        worker.spawn(async move {
            stream::poll_fn(move |context| queue.poll_recv(context))
                .map(move |(name, wanted): (String, Wanted)| {
                    let place = Arc::clone(&place);
                    async move { place.fetch(&name, wanted).await }
                })
                .buffered(AT_ONCE)
                .for_each(|one| {
                    // The receiver may have been dropped.
                    let _ = sender.send(one);
                    ready(())
                })
                .await;
        });
        Intermediates {
            task: task.clone(),
            wanted: Some(wanted),
            count: 0,
            fetched,
            _worker: worker,
            socket: None,
            seen: HashSet::new(),
            saved: Vec::new(),
        }
    }
}

impl Intermediates {
    /// Handles an event of the run.
    pub fn see(&mut self, event: &Event) {
        match event {
            Event::Socket { url } => self.socket = Some(url.clone()),
            Event::Files { node_id, files } => {
                for file in files {
                    self.want(node_id, file);
                }
            }
            _ => {}
        }
    }

    fn want(&mut self, node_id: &NodeId, file: &NodeFile) {
        let Some(socket) = &self.socket else { return };
        // An input existed before the run. A cached node reports its files again.
        if file.folder_type == "input" || self.seen.len() >= MOST || !self.seen.insert(file.clone()) {
            return;
        }
        let wanted =
            Wanted { node_id: node_id.clone(), node_file: file.clone(), addresses: addresses(socket, file) };
        if file.folder_type == "temp" {
            self.fetch(wanted);
        } else {
            self.saved.push(wanted);
        }
    }

    fn fetch(&mut self, wanted: Wanted) {
        self.count += 1;
        let extension = wanted.node_file.filename.rsplit_once('.').map_or("bin", |(_, extension)| extension);
        let name = result_name(&self.task, Some(&wanted.node_id), self.count, extension);
        if let Some(queue) = &self.wanted {
            let _ = queue.send((name, wanted));
        }
    }

    /// The next file, downloaded or not, in the order in which they were named; `None` when no more will come.
    pub async fn next(&mut self) -> Option<Intermediate> {
        self.fetched.recv().await
    }

    /// The run is over, with these results: files that were saved but are not listed are downloaded too, and then no
    /// more.
    pub fn end(&mut self, results: &[OutputFile]) {
        for wanted in mem::take(&mut self.saved) {
            if !results.iter().any(|result| wanted.is(result)) {
                self.fetch(wanted);
            }
        }
        self.wanted = None;
    }
}

impl Wanted {
    /// Whether the file is that result: from the same node, since the platform sometimes renames files, or with the
    /// same name.
    fn is(&self, result: &OutputFile) -> bool {
        let path = |url: &FileUrl| url.expose().split(['?', '#']).next().map(str::to_owned);
        let has_name = |path: String| path.rsplit('/').next() == Some(&*self.node_file.filename);
        result.node_id.as_ref() == Some(&self.node_id)
            || result.url.as_ref().and_then(path).is_some_and(has_name)
    }
}

/// The destination of the downloads, and their state.
struct Downloads {
    files: Files,
    dir: PathBuf,
    /// Consecutive failures.
    failures: AtomicUsize,
}

impl Downloads {
    async fn fetch(&self, name: &str, wanted: Wanted) -> Intermediate {
        let Wanted { node_id, node_file, addresses } = wanted;
        let mut file = Err(Error::new(ErrorKind::Results, say!("the file's location is unknown")));
        if self.failures.load(Ordering::Relaxed) >= HOPELESS {
            file = Err(Error::new(
                ErrorKind::Results,
                say!("it was not tried, because earlier downloads failed"),
            ));
        } else {
            for address in addresses {
                let fetched = self.files.download(&address, &self.dir, name).await;
                file = fetched.map_err(|error| failed(say!("it was not downloaded"), error));
                if file.is_ok() {
                    break;
                }
            }
            let failures = &self.failures;
            match &file {
                Ok(_) => failures.store(0, Ordering::Relaxed),
                Err(_) => _ = failures.fetch_add(1, Ordering::Relaxed),
            }
        }
        Intermediate { node_id, node_file, file }
    }
}

impl fmt::Debug for Intermediates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URLs contain a ticket.
        f.debug_struct("Intermediates").field("task", &self.task).finish_non_exhaustive()
    }
}
