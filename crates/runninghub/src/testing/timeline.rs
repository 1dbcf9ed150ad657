//! The behavior of a run, without facts that vary between runs.

use std::fmt;

use runninghub_core::{NodeId, NodeState, Phase, Untrusted};
use serde::Serialize;

/// Name and version of the text of a [`Timeline`]; its first line.
pub const TEXT_FORMAT: &str = "rhub.timeline/1";

/// The behavior of a recording's runs: nodes, results, texts and ends.
///
/// `Display` is a text of one line per fact, for snapshots and readers. It contains no times, ids of runs, URLs or file
/// names, so two recordings of the same run have the same text. Text from servers and workflows is escaped.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Timeline {
    /// The runs, in order.
    pub runs: Vec<RunTimeline>,
}

/// The behavior of one run.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RunTimeline {
    /// How it ended; not final if the recording stops before the end.
    pub end: Phase,
    /// Why it failed, if it did.
    pub failure: Option<TimelineFailure>,
    /// Number of settled nodes: done, cached, or no longer needed.
    pub done: usize,
    /// Number of nodes that the outputs need; `None` without a workflow.
    pub total: Option<usize>,
    /// All nodes of the workflow: first those from the cache, then those that ran in the order of their start, then the
    /// others. Nodes that ran at the same time are in the order of the workflow.
    pub nodes: Vec<TimelineNode>,
    /// The results, in the order of the workflow's nodes.
    pub outputs: Vec<TimelineOutput>,
    /// The last text that each node showed.
    pub texts: Vec<TimelineText>,
}

/// The behavior of one node.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TimelineNode {
    /// The node.
    pub id: NodeId,
    /// Its title, falling back to its class, then its id.
    pub title: Untrusted,
    /// Its class; empty without a workflow.
    pub class_type: Untrusted,
    /// Whether an output needs it.
    pub required: bool,
    /// Its state at the end.
    pub state: NodeState,
    /// The maximum of its counter, if it has one.
    pub steps: Option<u64>,
    /// The number of passes of its counter, from 1.
    pub passes: u32,
    /// Its position in the workflow.
    #[serde(skip)]
    pub(super) place: usize,
}

/// Results of one kind from one node.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TimelineOutput {
    /// The node; results of models don't name one.
    pub node_id: Option<NodeId>,
    /// The kind: a file extension in lower case, or `file` if it is unknown.
    pub kind: String,
    /// The number of results.
    pub count: usize,
    /// The contents of text results.
    pub texts: Vec<Untrusted>,
    /// Measurements of each result, if it was saved while the run was recorded.
    pub files: Vec<TimelineFile>,
}

/// Measurements of a saved result.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TimelineFile {
    /// Width and height of an image, pixels.
    pub dimensions: Option<(u64, u64)>,
    /// Size, bytes.
    pub bytes: Option<u64>,
    /// SHA-256 in hexadecimal.
    pub sha256: Option<Untrusted>,
}

/// The last text that a node showed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TimelineText {
    /// The node.
    pub node_id: NodeId,
    /// The text.
    pub text: Untrusted,
}

/// Why a run failed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TimelineFailure {
    /// The node that raised the exception.
    pub node_id: Option<NodeId>,
    /// The exception's type.
    pub exception_type: Option<Untrusted>,
    /// The message.
    pub message: Option<Untrusted>,
}

impl Timeline {
    /// Whether every run was recorded to its end.
    pub fn is_complete(&self) -> bool {
        self.runs.iter().all(|run| run.end.is_final())
    }

    /// Ignores in which order nodes ran: lists them in the order of the workflow.
    #[must_use]
    pub fn without_order(self) -> Self {
        self.change(|run| run.nodes.sort_by_key(|node| node.place))
    }

    /// Ignores how many steps and passes nodes counted.
    #[must_use]
    pub fn without_steps(self) -> Self {
        self.change(|run| run.nodes.iter_mut().for_each(|node| (node.steps, node.passes) = (None, 1)))
    }

    /// Ignores whether a node ran, came from the cache, or wasn't needed because of the cache: all of them count as done.
    /// Only nodes that run have an order and steps, so both are ignored too.
    #[must_use]
    pub fn without_cache(self) -> Self {
        self.without_order().without_steps().change(|run| {
            for node in &mut run.nodes {
                if matches!(node.state, NodeState::Cached | NodeState::Skipped) {
                    node.state = NodeState::Done;
                }
            }
        })
    }

    /// Ignores texts that nodes showed, and the contents of text results.
    #[must_use]
    pub fn without_texts(self) -> Self {
        self.change(|run| {
            run.texts.clear();
            run.outputs.iter_mut().for_each(|output| output.texts.clear());
        })
    }

    /// Ignores the bytes of results: their sizes and digests.
    #[must_use]
    pub fn without_digests(self) -> Self {
        self.change_files(|file| (file.bytes, file.sha256) = (None, None))
    }

    /// Ignores the dimensions of images.
    #[must_use]
    pub fn without_dimensions(self) -> Self {
        self.change_files(|file| file.dimensions = None)
    }

    fn change_files(self, change: impl Fn(&mut TimelineFile)) -> Self {
        self.change(|run| {
            for output in &mut run.outputs {
                output.files.iter_mut().for_each(&change);
                output.files.retain(|file| *file != TimelineFile::default());
            }
        })
    }

    fn change(mut self, change: impl FnMut(&mut RunTimeline)) -> Self {
        self.runs.iter_mut().for_each(change);
        self
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{TEXT_FORMAT}")?;
        for (number, run) in (1..).zip(&self.runs) {
            match self.runs.len() {
                1 => writeln!(f)?,
                _ => writeln!(f, "\nrun {number}")?,
            }
            write!(f, "{run}")?;
        }
        Ok(())
    }
}

impl fmt::Display for RunTimeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "nodes")?;
        for node in &self.nodes {
            writeln!(f, "  {node}")?;
        }
        writeln!(f, "outputs")?;
        for output in &self.outputs {
            writeln!(f, "  {output}")?;
        }
        if !self.texts.is_empty() {
            writeln!(f, "texts")?;
            for TimelineText { node_id, text } in &self.texts {
                writeln!(f, "  [{node_id}] {text}")?;
            }
        }
        let end = if self.end.is_final() { self.end.as_str() } else { "not recorded" };
        match self.total {
            Some(total) => writeln!(f, "end: {end}, {} of {total} nodes", self.done)?,
            None => writeln!(f, "end: {end}, workflow unknown")?,
        }
        match &self.failure {
            Some(failure) => writeln!(f, "  {failure}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for TimelineNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.id, self.title)?;
        if !self.class_type.is_empty() && self.class_type != self.title {
            write!(f, " ({})", self.class_type)?;
        }
        match self.state {
            NodeState::Waiting if !self.required => f.write_str(": feeds no output")?,
            NodeState::Waiting => f.write_str(": not run")?,
            state => write!(f, ": {}", state.as_str())?,
        }
        if let Some(steps) = self.steps {
            write!(f, ", {steps} {}", if steps == 1 { "step" } else { "steps" })?;
        }
        if self.passes > 1 { write!(f, ", {} passes", self.passes) } else { Ok(()) }
    }
}

impl fmt::Display for TimelineOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(node) = &self.node_id {
            write!(f, "[{node}] ")?;
        }
        write!(f, "{} × {}", self.count, Untrusted::from(self.kind.as_str()))?;
        self.texts.iter().try_for_each(|text| write!(f, "\n    {text}"))?;
        self.files.iter().try_for_each(|file| write!(f, "\n    {file}"))
    }
}

impl fmt::Display for TimelineFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dimensions = self.dimensions.map(|(width, height)| format!("{width}×{height}"));
        let bytes = self.bytes.map(|bytes| format!("{bytes} bytes"));
        let sha256 = self.sha256.as_ref().map(|sha256| format!("sha256 {sha256}"));
        let parts: Vec<_> = [dimensions, bytes, sha256].into_iter().flatten().collect();
        f.write_str(&parts.join(", "))
    }
}

impl fmt::Display for TimelineFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(node) = &self.node_id {
            write!(f, "[{node}] ")?;
        }
        let parts: Vec<_> =
            self.exception_type.iter().chain(&self.message).map(ToString::to_string).collect();
        if parts.is_empty() { f.write_str("without a reason") } else { f.write_str(&parts.join(": ")) }
    }
}
