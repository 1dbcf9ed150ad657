//! The record of an item: a line of `items.jsonl`.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use runninghub::net::{holds, open_file};
use runninghub_core::{Charge, Failure, TaskId, Untrusted};
use serde::{Deserialize, Serialize};

use crate::{Coordinate, Digest, Item, ItemId, ItemState, Set, Setting};

/// The record of an item. Fields may be added; readers ignore unknown ones.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Record {
    /// The item.
    pub id: ItemId,
    /// Its state.
    pub state: ItemState,
    /// Its task, if it has one.
    #[serde(default)]
    pub task_id: Option<TaskId>,
    /// The name of its submit in the ledger.
    #[serde(default)]
    pub attempt_id: Option<String>,
    /// Its cost, if known.
    #[serde(default)]
    pub cost: Option<Charge>,
    /// Its timestamps.
    #[serde(default)]
    pub timings: Timings,
    /// Its results.
    #[serde(default)]
    pub files: Vec<ResultFile>,
    /// Why it failed or was refused.
    #[serde(default)]
    pub error: Option<ItemError>,
    /// The row or line it was created from.
    #[serde(default)]
    pub row: u64,
    /// The folder of its results, relative to that of the batch.
    pub out: String,
    /// The digest of what it ran.
    pub fingerprint: Digest,
    /// The instance type it ran on; null for the platform's default.
    #[serde(default)]
    pub instance: Option<String>,
    /// The profile that pays for it; null for any of the batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Items of a higher priority start earlier.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub priority: i32,
    /// Its coordinates in a matrix.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coordinates: Vec<Coordinate>,
    /// What was set.
    #[serde(default)]
    pub set: Set<Setting>,
}

/// Timestamps of an item, in milliseconds since 1970, and its slot.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Timings {
    /// The create was sent.
    #[serde(default)]
    pub submitted_ms: Option<u64>,
    /// The task began to run.
    #[serde(default)]
    pub started_ms: Option<u64>,
    /// The task was over.
    #[serde(default)]
    pub ended_ms: Option<u64>,
    /// All results were on disk.
    #[serde(default)]
    pub saved_ms: Option<u64>,
    /// The slot it ran in, from 0.
    #[serde(default)]
    pub slot: Option<u32>,
    /// Its nodes, in the order in which they ran.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeTime>,
}

/// When a node ran.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct NodeTime {
    /// The node.
    pub id: String,
    /// Its title, or else its class.
    pub title: String,
    /// When it began, in milliseconds since 1970.
    pub started_ms: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// A result on disk.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ResultFile {
    /// Where it is, relative to the folder of the batch, with `/` between parts.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its content, 64 hexadecimal digits.
    pub sha256: String,
    /// When it was last changed, in milliseconds since 1970: while that is the same, the content isn't compared.
    #[serde(default)]
    pub modified_ms: Option<u64>,
}

/// Why an item failed or was refused.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ItemError {
    /// The class of the failure, such as `node 9` or `content`.
    pub class: String,
    /// What was said.
    pub message: String,
    /// The platform's code, if it sent one.
    #[serde(default)]
    pub code: Option<String>,
}

impl Record {
    /// An item without any events yet.
    pub fn new(item: &Item) -> Self {
        Self {
            id: item.id.clone(),
            state: ItemState::Ready,
            task_id: None,
            attempt_id: None,
            cost: None,
            timings: Timings::default(),
            files: Vec::new(),
            error: None,
            row: item.row,
            out: item.out.clone(),
            fingerprint: item.fingerprint,
            instance: item.instance.clone(),
            profile: item.profile.clone(),
            priority: item.priority,
            coordinates: item.coordinates.clone(),
            set: item.set.clone(),
        }
    }

    /// Whether it has all its files, unchanged, below the folder of the batch. `None` if the record doesn't say that all of
    /// them were saved.
    pub fn has_files(&self, folder: &Path) -> Option<bool> {
        self.timings.saved_ms?;
        Some(self.files.iter().all(|file| file.is_whole(folder)))
    }
}

impl ResultFile {
    /// A result that was saved as `path`, below the folder of the batch. `None` if it is outside of it.
    pub fn new(folder: &Path, path: &Path, bytes: u64, sha256: impl Into<String>) -> Option<Self> {
        let below = path.strip_prefix(folder).ok()?;
        let parts = below.iter().map(|part| part.to_str()).collect::<Option<Vec<_>>>()?;
        Some(Self { path: parts.join("/"), bytes, sha256: sha256.into(), modified_ms: modified(path) })
    }

    /// Whether the file is there and unchanged. It is read only if it was touched since it was saved.
    fn is_whole(&self, folder: &Path) -> bool {
        // The list is untrusted: it may only name files in the folder.
        if !is_below(&self.path) {
            return false;
        }
        let path = folder.join(&self.path);
        let Ok(about) = open_file(&path).and_then(|file| file.metadata()) else { return false };
        let is_untouched = self.modified_ms.is_some() && modified_of(&about) == self.modified_ms;
        about.len() == self.bytes && (is_untouched || holds(&path, self.bytes, &self.sha256))
    }
}

impl ItemError {
    /// Why a task failed: failures are equal if they have the same node or the same code.
    pub fn of(failure: &Failure) -> Self {
        let said = [&failure.exception_type, &failure.message].into_iter().flatten();
        let message: Vec<&str> = said.map(Untrusted::raw).filter(|said| !said.is_empty()).collect();
        let class = match (&failure.node_id, &failure.code) {
            (Some(node), _) => format!("node {}", node.as_str()),
            (None, Some(code)) => format!("code {code}"),
            (None, None) => String::new(),
        };
        Self { class, message: message.join(": "), code: failure.code.clone() }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(number: &i32) -> bool {
    *number == 0
}

/// Whether a path stays below the folder that it is relative to.
pub(super) fn is_below(path: &str) -> bool {
    let is_name = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', ':', '\0']);
    path.split('/').all(is_name)
}

fn modified(path: &Path) -> Option<u64> {
    modified_of(&path.metadata().ok()?)
}

fn modified_of(about: &std::fs::Metadata) -> Option<u64> {
    let since = about.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    u64::try_from(Duration::as_millis(&since)).ok()
}
