//! Statistics of earlier runs: how long each node of a workflow takes.

use std::{
    collections::{HashMap, HashSet},
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use runninghub_core::{Graph, Learned, NodeId, WorkflowId, link};
use runninghub_ledger::Digest;
use runninghub_net::{open_file, sanitize};

/// Maximum file size, bytes: a few hundred for each of ten thousand nodes and each run.
const LONGEST: u64 = 32 << 20;

/// Number of runs kept for each node.
const RUNS: usize = 16;

/// The history of one workflow: read when a run starts, updated when it ends.
#[derive(Clone, Debug)]
pub(crate) struct Lesson {
    pub(crate) history: History,
    pub(crate) workflow: WorkflowId,
    /// The instance type; empty if unknown.
    pub(crate) instance: String,
}

impl Lesson {
    pub(crate) fn learned(&self) -> Vec<Learned> {
        self.history.learned(&self.workflow, &self.instance)
    }

    pub(crate) fn remember(&self, learned: &[Learned]) -> io::Result<()> {
        self.history.remember(&self.workflow, &self.instance, learned)
    }
}

/// Node durations of earlier runs: one small JSON file per workflow, in a folder.
///
/// Only the percentage and the ETA use them: an unreadable file is ignored. A handle with a history adds each
/// run's durations when the run ends.
#[derive(Clone, Debug)]
pub struct History {
    dir: PathBuf,
}

impl History {
    /// Keeps the durations in this folder, which is created when the first ones are written.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Durations of a workflow's nodes on an instance type. For a node that never ran on it, those of other
    /// types.
    pub fn learned(&self, workflow: &WorkflowId, instance: &str) -> Vec<Learned> {
        let entries = self.entries(workflow);
        let same = entries.iter().filter(|one| one.instance == instance);
        let known: HashSet<NodeId> = same.map(|one| one.id.clone()).collect();
        let fits = |one: &Learned| one.instance == instance || !known.contains(&one.id);
        entries.into_iter().filter(fits).collect()
    }

    fn entries(&self, workflow: &WorkflowId) -> Vec<Learned> {
        let read = || {
            let file = open_file(&self.file(workflow)).ok()?;
            serde_json::from_reader(io::BufReader::new(file.take(LONGEST))).ok()
        };
        read().unwrap_or_default()
    }

    /// Adds the durations of a run, and keeps each node's last runs. A node that was cached this time keeps
    /// its durations.
    ///
    /// # Errors
    /// When the folder or the file cannot be written.
    pub fn remember(&self, workflow: &WorkflowId, instance: &str, learned: &[Learned]) -> io::Result<()> {
        let mut entries = self.entries(workflow);
        let before = entries.len();
        for one in learned {
            let known = entries.iter().any(|known| known.id == one.id);
            // A node that was not executed this time keeps its earlier durations.
            if one.seconds > 0.0 || !known {
                let mut one = one.clone();
                instance.clone_into(&mut one.instance);
                entries.push(one);
            }
        }
        if entries.len() == before {
            return Ok(());
        }
        let mut kept: HashMap<NodeId, usize> = HashMap::new();
        entries.reverse();
        entries.retain(|one| {
            let count = kept.entry(one.id.clone()).or_default();
            *count += 1;
            *count <= RUNS
        });
        entries.reverse();
        fs::create_dir_all(&self.dir)?;
        let file = self.file(workflow);
        // Written to a temporary file and renamed, so that a reader never sees a partial file.
        let new = file.with_extension(format!("{:016x}.new", fastrand::u64(..)));
        fs::write(&new, serde_json::to_vec(&entries)?)?;
        fs::rename(&new, &file).inspect_err(|_| drop(fs::remove_file(&new)))
    }

    /// The key for a workflow without an id: equal for equal nodes, classes and links, whatever the values.
    pub(crate) fn name_of(graph: &Graph) -> WorkflowId {
        let mut lines: Vec<String> = Vec::new();
        for node in graph.nodes() {
            let mut links: Vec<_> =
                node.inputs.iter().filter_map(|(name, value)| Some((name, link(value)?))).collect();
            links.sort_unstable();
            lines.push(format!("{:?} {:?} {links:?}", node.id, node.class_type.raw()));
        }
        lines.sort_unstable();
        format!("graph-{}", Digest::of(lines.join("\n"))).into()
    }

    fn file(&self, workflow: &WorkflowId) -> PathBuf {
        self.dir.join(Path::new(&sanitize(&format!("{workflow}.json"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_graph_has_the_name_of_its_structure() {
        let name = |text: &str| History::name_of(&Graph::parse(text).expect("a workflow"));
        let one = name(
            r#"{"1": {"class_type": "A", "inputs": {"seed": 1}}, "2": {"class_type": "B", "inputs": {"x": ["1", 0]}}}"#,
        );
        assert!(one.as_str().starts_with("graph-") && one.as_str().len() == 70, "{one}");
        assert_eq!(
            one,
            name(
                r#"{"2": {"class_type": "B", "inputs": {"x": ["1", 1]}}, "1": {"class_type": "A", "inputs": {"seed": 2}, "_meta": {"title": "t"}}}"#
            )
        );
        for other in [
            r#"{"1": {"class_type": "A", "inputs": {}}, "2": {"class_type": "B", "inputs": {}}}"#,
            r#"{"1": {"class_type": "A", "inputs": {}}, "2": {"class_type": "C", "inputs": {"x": ["1", 0]}}}"#,
            r#"{"1": {"class_type": "A", "inputs": {}}, "3": {"class_type": "B", "inputs": {"x": ["1", 0]}}}"#,
        ] {
            assert_ne!(one, name(other), "{other}");
        }
    }

    #[test]
    fn history_round_trips_and_cached_nodes_keep_their_durations() {
        let dir = tempfile::tempdir().expect("a folder");
        let history = History::new(dir.path().join("new"));
        let workflow = WorkflowId::from("../../etc/19");
        assert!(history.learned(&workflow, "").is_empty());
        let one = |id: &str, seconds| Learned::new(id.into(), seconds, 1);
        history.remember(&workflow, "", &[one("1", 2.0), one("2", 3.0)]).expect("written");
        history.remember(&workflow, "", &[one("1", 0.0), one("2", 4.0)]).expect("written");
        assert_eq!(history.learned(&workflow, ""), [one("1", 2.0), one("2", 3.0), one("2", 4.0)]);
        assert_eq!(fs::read_dir(dir.path().join("new")).expect("the folder").count(), 1);
    }

    /// Opening a pipe blocks until a writer opens it.
    #[cfg(unix)]
    #[test]
    fn pipes_hang_nothing_and_links_are_not_followed() {
        let dir = tempfile::tempdir().expect("a folder");
        let history = History::new(dir.path());
        let one = || [Learned::new("1".into(), 2.0, 1)];
        let (real, link, pipe) = (WorkflowId::from("1"), WorkflowId::from("2"), WorkflowId::from("3"));
        history.remember(&real, "", &one()).expect("written");
        std::os::unix::fs::symlink("1.json", dir.path().join("2.json")).expect("linked");
        let made = std::process::Command::new("mkfifo").arg(dir.path().join("3.json")).status();
        assert!(made.expect("mkfifo").success());
        for odd in [&link, &pipe] {
            assert!(history.learned(odd, "").is_empty(), "{odd}");
            history.remember(odd, "", &one()).expect("an ordinary file takes its place");
            assert_eq!(history.learned(odd, ""), one());
        }
    }

    #[test]
    fn history_keeps_sixteen_runs_and_prefers_the_same_instance() {
        let dir = tempfile::tempdir().expect("a folder");
        let (history, workflow) = (History::new(dir.path()), WorkflowId::from("1"));
        let one = |seconds: u32| Learned::new("1".into(), f64::from(seconds), 1);
        for seconds in 1..=20 {
            history.remember(&workflow, "default", &[one(seconds)]).expect("written");
        }
        let seconds = |instance: &str| -> Vec<f64> {
            history.learned(&workflow, instance).iter().map(|one| one.seconds).collect()
        };
        assert_eq!(seconds("default"), (5..=20).map(f64::from).collect::<Vec<_>>());
        assert_eq!(seconds("plus").len(), 16);
        history.remember(&workflow, "plus", &[one(7)]).expect("written");
        assert_eq!(seconds("plus"), [7.0]);
    }

    #[test]
    fn files_of_earlier_versions_are_read_and_broken_ones_ignored() {
        let dir = tempfile::tempdir().expect("a folder");
        let (history, workflow) = (History::new(dir.path()), WorkflowId::from("1"));
        let file = dir.path().join("1.json");
        fs::write(&file, r#"[{"id":"3","seconds":12.5,"passes":2}]"#).expect("written");
        assert_eq!(history.learned(&workflow, "plus"), [Learned::new("3".into(), 12.5, 2)]);
        fs::write(&file, r#"[{"id":"3","seconds":"#).expect("written");
        assert!(history.learned(&workflow, "plus").is_empty());
        history.remember(&workflow, "", &[Learned::new("3".into(), 1.0, 1)]).expect("written anew");
        assert_eq!(history.learned(&workflow, "").len(), 1);
    }
}
