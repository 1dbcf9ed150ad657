//! Fetching them while the task runs: afterwards its machine may be gone.

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
use runninghub_api::{Client, result_name};
use runninghub_core::{Event, FileUrl, NodeFile, NodeId, OutputFile, SocketUrl, TaskId};
use tokio::{sync::mpsc, task::JoinSet};

use super::address::addresses;
use crate::{Error, ErrorKind, RunningHub, SavedFile, save::failed};

/// How many are fetched at once: a node may show hundreds of pictures.
const AT_ONCE: usize = 4;
/// How many of a task are kept at most: many times what a workflow shows, and no flood.
const MOST: usize = 1000;
/// After so many failures in a row the rest is not tried: the places are wrong, or closed.
const HOPELESS: usize = 4;

/// Keeps the files that nodes show on the way (`PreviewImage` and its like), which the platform never lists, and those that
/// were saved and are not listed because the task failed. Made by [`Service::intermediates`](crate::Service::intermediates).
///
/// The socket alone names them, so nothing is known of what was shown before it was connected. No endpoint for them is
/// published: they are fetched at the socket's host with its ticket, and else from where results are, as other clients do. It
/// works in the background while it exists.
pub struct Intermediates {
    task: TaskId,
    /// With the names they get here. None when no more will come.
    wanted: Option<mpsc::UnboundedSender<(String, Wanted)>>,
    count: usize,
    fetched: mpsc::UnboundedReceiver<Intermediate>,
    /// Stopped with this.
    _worker: JoinSet<()>,
    socket: Option<SocketUrl>,
    seen: HashSet<NodeFile>,
    /// Saved ones: most of them are results.
    saved: Vec<Wanted>,
}

/// What became of one file.
#[derive(Debug)]
#[non_exhaustive]
pub struct Intermediate {
    /// The node that has written it.
    pub node_id: NodeId,
    /// What it is called there.
    pub node_file: NodeFile,
    /// The file on this machine, or why there is none.
    pub file: Result<SavedFile, Error>,
}

struct Wanted {
    node_id: NodeId,
    node_file: NodeFile,
    addresses: Vec<String>,
}

impl RunningHub {
    /// Begins to keep what only the socket names; every event of the run has to be shown to it ([`Intermediates::see`]).
    /// The folder is made with the first file.
    pub(crate) fn keep_intermediates(&self, task: &TaskId, dir: &Path) -> Intermediates {
        let (wanted, mut queue) = mpsc::unbounded_channel();
        let (tell, fetched) = mpsc::unbounded_channel();
        let place = Arc::new(Place {
            client: self.0.client.clone(),
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
                    // Who is gone wants to know no more.
                    let _ = tell.send(one);
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
    /// Takes from an event of the run what it needs.
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
        // What is an input was there before. A cached node tells its files again.
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

    /// The next one, fetched or not, in the order in which they were named; `None` when no more will come.
    pub async fn next(&mut self) -> Option<Intermediate> {
        self.fetched.recv().await
    }

    /// The run is over, with these results: what was saved and is not listed is wanted too, and then no more.
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
    /// Whether it is that result: of the same node, since the platform gives files other names at times, or of the same name.
    fn is(&self, result: &OutputFile) -> bool {
        let path = |url: &FileUrl| url.expose().split(['?', '#']).next().map(str::to_owned);
        let has_name = |path: String| path.rsplit('/').next() == Some(&*self.node_file.filename);
        result.node_id.as_ref() == Some(&self.node_id)
            || result.url.as_ref().and_then(path).is_some_and(has_name)
    }
}

/// Where they come to, and how that goes.
struct Place {
    client: Client,
    dir: PathBuf,
    /// In a row.
    failures: AtomicUsize,
}

impl Place {
    async fn fetch(&self, name: &str, wanted: Wanted) -> Intermediate {
        let Wanted { node_id, node_file, addresses } = wanted;
        let mut file = Err(Error::new(ErrorKind::Results, "nobody knows where the file is"));
        if self.failures.load(Ordering::Relaxed) >= HOPELESS {
            file = Err(Error::new(
                ErrorKind::Results,
                "it was not tried, since those before it could not be fetched",
            ));
        } else {
            for address in addresses {
                let fetched = self.client.download(&address, &self.dir, name).await;
                file = fetched.map(SavedFile::from).map_err(|error| failed("it was not fetched", error));
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
        // The addresses hold a ticket.
        f.debug_struct("Intermediates").field("task", &self.task).finish_non_exhaustive()
    }
}
