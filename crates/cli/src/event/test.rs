//! Events of workflow tests.

use runninghub::{Charge, Sentence};
use schemars::JsonSchema;
use serde::Serialize;

/// A recording, compared with its snapshot.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Test {
    /// The folder of the recording.
    pub(crate) recording: String,
    /// The verdict.
    pub(crate) verdict: TestVerdict,
    /// The problem, unless it passed.
    pub(crate) message: Option<Sentence>,
    /// How to fix it.
    pub(crate) hint: Option<Sentence>,
    /// Each line in which the run differs from its snapshot.
    pub(crate) differences: Vec<Difference>,
    /// The new run (`--live`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) live: Option<LiveTest>,
    /// The difference, with the lines around it.
    #[serde(skip)]
    pub(crate) diff: Vec<DiffLine>,
}

/// A new run of a recorded workflow.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(crate) struct LiveTest {
    /// The new task.
    pub(crate) task_id: Option<String>,
    /// Its folder in the report.
    pub(crate) folder: String,
    /// How long the new run took, seconds.
    pub(crate) took_s: Option<f64>,
    /// How long the recorded run took, seconds.
    pub(crate) recorded_s: Option<f64>,
    /// The cost of the new run.
    pub(crate) cost: Option<Charge>,
    /// The images that were compared.
    pub(crate) pictures: Vec<PictureTest>,
}

/// An image, compared with the expected one.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct PictureTest {
    /// Its name: the node that made it, and its number among the node's results.
    pub(crate) name: String,
    /// The verdict.
    pub(crate) verdict: PictureVerdict,
    /// The structural similarity, at most 1; null if they can't be compared.
    pub(crate) similarity: Option<f64>,
    /// The paths of the expected image, the new one, and their difference, in the report's folder.
    pub(crate) expected: Option<String>,
    pub(crate) found: Option<String>,
    pub(crate) difference: Option<String>,
}

/// The result of comparing an image with the expected one.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PictureVerdict {
    /// It is equal, or similar enough.
    Passed,
    /// It differs.
    Changed,
    /// The new run didn't produce it.
    Missing,
    /// None is expected.
    New,
}

/// The runs about to be repeated (`--live`).
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct LiveTests {
    /// The number of runs.
    pub(crate) runs: usize,
    /// Where.
    pub(crate) base_url: String,
    /// The source of the key, if one is needed.
    pub(crate) key: Option<Sentence>,
    /// The total cost of the recorded runs.
    pub(crate) cost: Option<Charge>,
    /// The number of recorded runs whose cost is known.
    pub(crate) known: usize,
}

/// The result of comparing a recording with its snapshot.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TestVerdict {
    /// The run matches its snapshot.
    Passed,
    /// The snapshot was written (`--accept`).
    Accepted,
    /// The run differs from its snapshot.
    Changed,
    /// There is no snapshot.
    Missing,
    /// The recording or its snapshot can't be used.
    Broken,
}

/// A line in which a run differs from its snapshot.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub(crate) struct Difference {
    /// The line of the snapshot; null for an added one.
    pub(crate) expected: Option<String>,
    /// The line of the run; null for a removed one.
    pub(crate) found: Option<String>,
}

/// A line of a diff.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum DiffLine {
    /// Lines are left out here.
    Gap,
    Same(String),
    Removed(String),
    Added(String),
}

/// All tests of a command.
#[derive(Clone, Copy, Debug, Default, JsonSchema, Serialize)]
pub(crate) struct Tests {
    /// The number of runs that match their snapshots.
    pub(crate) passed: usize,
    /// The number of snapshots written.
    pub(crate) accepted: usize,
    /// The number of runs that differ, have no snapshot, or can't be used.
    pub(crate) failed: usize,
}

impl TestVerdict {
    /// Whether all of them passed.
    pub(crate) fn is_good(self) -> bool {
        matches!(self, Self::Passed | Self::Accepted)
    }
}

impl Tests {
    /// Counts one.
    pub(crate) fn add(&mut self, verdict: TestVerdict) {
        match verdict {
            TestVerdict::Passed => self.passed += 1,
            TestVerdict::Accepted => self.accepted += 1,
            _ => self.failed += 1,
        }
    }
}
