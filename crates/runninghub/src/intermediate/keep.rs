//! Fetching them while the task runs: afterwards its machine may be gone.

use std::{
    collections::HashSet,
    fmt, mem,
    path::{Path, PathBuf},
};

use futures_util::{StreamExt as _, stream};
use runninghub_api::{Client, result_name};
use runninghub_core::{Event, NodeFile, NodeId, OutputFile, SocketUrl, TaskId};
use tokio::{sync::mpsc, task::JoinSet};

use super::address::addresses;
use crate::{Error, ErrorKind, RunningHub, SavedFile, save::failed};

/// How many are fetched at once: a node may show hundreds of pictures.
const AT_ONCE: usize = 4;
/// How many of a task are kept at most: many times what a workflow shows, and no flood.
const MOST: usize = 1000;

/// Keeps the files that nodes show on the way (`PreviewImage` and its like), which the platform never lists, and those that
/// were saved and are not listed because the task failed. Made by [`RunningHub::intermediates`].
///
/// The socket alone names them, so nothing is known of what was shown before it was connected. No endpoint for them is
/// published: they are fetched at the socket's host with its ticket, and else from where results are, as other clients do. It
/// works in the background while it exists.
pub struct Intermediates {
    task: TaskId,
    /// With the names they get here.
    wanted: mpsc::UnboundedSender<(String, Wanted)>,
    count: usize,
    worker: JoinSet<Vec<Intermediate>>,
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
    pub fn intermediates(&self, task: &TaskId, dir: &Path) -> Intermediates {
        let (wanted, mut queue) = mpsc::unbounded_channel();
        let (client, dir) = (self.0.client.clone(), dir.to_owned());
        let mut worker = JoinSet::new();
        worker.spawn(async move {
            stream::poll_fn(move |context| queue.poll_recv(context))
                .map(move |(name, wanted)| fetch(client.clone(), dir.clone(), name, wanted))
                .buffered(AT_ONCE)
                .collect()
                .await
        });
        Intermediates {
            task: task.clone(),
            wanted,
            count: 0,
            worker,
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
            Event::Socket(address) => self.socket = Some(address.clone()),
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
        if file.is_saved() {
            self.saved.push(wanted);
        } else {
            self.fetch(wanted);
        }
    }

    fn fetch(&mut self, wanted: Wanted) {
        self.count += 1;
        let extension = wanted.node_file.filename.rsplit_once('.').map_or("bin", |(_, extension)| extension);
        let name = result_name(&self.task, Some(&wanted.node_id), self.count, extension);
        // The worker ends after this end of the channel.
        let _ = self.wanted.send((name, wanted));
    }

    /// Waits for the rest, with what was saved by nodes of which the platform lists nothing. To be called when the run is
    /// over, with its results.
    pub async fn finish(mut self, results: &[OutputFile]) -> Vec<Intermediate> {
        let is_listed = |node: &NodeId| results.iter().any(|result| result.node_id.as_ref() == Some(node));
        for wanted in mem::take(&mut self.saved) {
            if !is_listed(&wanted.node_id) {
                self.fetch(wanted);
            }
        }
        drop(self.wanted);
        // It does not panic, and nobody else ends it.
        self.worker.join_next().await.and_then(Result::ok).unwrap_or_default()
    }
}

async fn fetch(client: Client, dir: PathBuf, name: String, wanted: Wanted) -> Intermediate {
    let Wanted { node_id, node_file, addresses } = wanted;
    let mut file = Err(Error::new(ErrorKind::Results, "nobody knows where the file is"));
    for address in addresses {
        let fetched = client.download(&address, &dir, &name).await;
        file = fetched.map(SavedFile::from).map_err(|error| failed("it was not fetched", error));
        if file.is_ok() {
            break;
        }
    }
    Intermediate { node_id, node_file, file }
}

impl fmt::Debug for Intermediates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The addresses hold a ticket.
        f.debug_struct("Intermediates").field("task", &self.task).finish_non_exhaustive()
    }
}
