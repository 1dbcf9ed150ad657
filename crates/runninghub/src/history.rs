//! What earlier runs have shown: how long each node of a workflow takes.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use runninghub_api::sanitize;
use runninghub_core::{Learned, NodeId, WorkflowId};

/// Durations by workflow, one small JSON file each, in a folder.
///
/// They are weights for the percentage and the ETA, nothing more: a file that cannot be read counts as none.
#[derive(Clone, Debug)]
pub struct History {
    dir: PathBuf,
}

impl History {
    /// The durations kept in this folder. It is made when something is kept.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// What is known of a workflow.
    pub fn learned(&self, workflow: &WorkflowId) -> Vec<Learned> {
        fs::read(self.file(workflow))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default()
    }

    /// Keeps what a run has shown. Nodes that were cached this time keep their earlier durations.
    ///
    /// # Errors
    /// When the folder or the file cannot be written.
    pub fn remember(&self, workflow: &WorkflowId, learned: &[Learned]) -> io::Result<()> {
        if learned.is_empty() {
            return Ok(());
        }
        let earlier = self.learned(workflow);
        let mut merged: BTreeMap<&NodeId, &Learned> = earlier.iter().map(|one| (&one.id, one)).collect();
        for one in learned {
            // A node that was not needed this time keeps what it took when it was.
            merged
                .entry(&one.id)
                .and_modify(|known| {
                    if one.seconds > 0.0 {
                        *known = one;
                    }
                })
                .or_insert(one);
        }
        let merged: Vec<&Learned> = merged.into_values().collect();
        fs::create_dir_all(&self.dir)?;
        let file = self.file(workflow);
        // Written beside and renamed, so that no reader ever sees half of it.
        let new = file.with_extension(format!("{:016x}.new", fastrand::u64(..)));
        fs::write(&new, serde_json::to_vec(&merged)?)?;
        fs::rename(&new, &file).inspect_err(|_| drop(fs::remove_file(&new)))
    }

    fn file(&self, workflow: &WorkflowId) -> PathBuf {
        self.dir.join(Path::new(&sanitize(&format!("{workflow}.json"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_and_cached_nodes_keep_what_they_had() {
        let dir = tempfile::tempdir().expect("a folder");
        let history = History::new(dir.path().join("new"));
        let workflow = WorkflowId::from("../../etc/19");
        assert!(history.learned(&workflow).is_empty());
        let one = |id: &str, seconds| Learned::new(id.into(), seconds, 1);
        history.remember(&workflow, &[one("1", 2.0), one("2", 3.0)]).expect("written");
        history.remember(&workflow, &[one("1", 0.0), one("2", 4.0)]).expect("written");
        assert_eq!(history.learned(&workflow), [one("1", 2.0), one("2", 4.0)]);
        assert_eq!(fs::read_dir(dir.path().join("new")).expect("the folder").count(), 1);
    }
}
