//! From a recording to its timeline.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
    sync::Arc,
    time::Duration,
};

use futures_util::{FutureExt as _, StreamExt as _};
use runninghub_core::{
    Cost, End, Event, Failure, Line, NodeId, NodeProgress, NodeState, OutputFile, Plan, Progress, Untrusted,
};

use runninghub_transport::{RecordedResult, Recording};

use super::timeline::{
    RunTimeline, Timeline, TimelineFailure, TimelineFile, TimelineNode, TimelineOutput, TimelineText,
};
use crate::{Error, Replay};

/// The timeline of a recording: a folder, or a single tape.
///
/// # Errors
/// As [`timeline`], and if it can't be opened.
pub fn replay(path: impl AsRef<Path>) -> Result<Timeline, Error> {
    timeline(&Recording::open(path)?)
}

/// The timeline of a recording.
///
/// # Errors
/// If the recording is empty, cut off or damaged, or its workflow can't be read.
pub fn timeline(recording: &Recording) -> Result<Timeline, Error> {
    let runs = Replay::new(recording.clone()).runs()?.into_iter();
    // Without a speed there are no waits, so all lines are available at once.
    let runs = runs.map(|lines| run(lines.collect::<Vec<_>>().now_or_never().unwrap_or_default()));
    let mut timeline = Timeline { runs: runs.collect() };
    // A task has one run.
    if let [run] = &mut timeline.runs[..] {
        recording.results().iter().for_each(|result| measured(run, result));
    }
    Ok(timeline)
}

/// Duration and cost of a recorded run: facts that vary between runs, and so aren't in its timeline.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Spent {
    /// From the start of the recording to the end of the run.
    pub took: Duration,
    /// The platform's charge, if reported.
    pub cost: Option<Cost>,
}

/// Durations and costs of a recording's runs, in order.
///
/// # Errors
/// As [`timeline`].
pub fn spent(recording: &Recording) -> Result<Vec<Spent>, Error> {
    let runs = Replay::new(recording.clone()).runs()?.into_iter();
    let end = |lines: Vec<Line>| {
        let took = lines.last().map(|line| line.t).unwrap_or_default();
        let cost = lines.into_iter().find_map(|line| match line.event {
            Event::Finished(end) => end.cost,
            _ => None,
        });
        Spent { took, cost }
    };
    Ok(runs.map(|lines| end(lines.collect::<Vec<_>>().now_or_never().unwrap_or_default())).collect())
}

/// The timeline of a run.
fn run(lines: Vec<Line>) -> RunTimeline {
    let mut seen = Seen::default();
    for line in lines {
        seen.see(line.event);
    }
    seen.finish()
}

/// The observations of a run so far.
#[derive(Default)]
struct Seen {
    plan: Option<Arc<Plan>>,
    progress: Progress,
    /// The group in which each node started. Nodes that run at the same time are in the same group.
    started: HashMap<NodeId, usize>,
    groups: usize,
    running: HashSet<NodeId>,
    texts: HashMap<NodeId, Untrusted>,
    end: End,
}

impl Seen {
    fn see(&mut self, event: Event) {
        match event {
            Event::Plan(plan) => self.plan = Some(plan),
            Event::Progress(progress) => self.progress = progress,
            Event::Node { id, state: NodeState::Running, .. } => {
                if self.running.is_empty() {
                    self.groups += 1;
                }
                self.running.insert(id.clone());
                self.started.entry(id).or_insert(self.groups);
            }
            Event::Node { id, .. } => _ = self.running.remove(&id),
            Event::Text { node_id, text, .. } => _ = self.texts.insert(node_id, text),
            Event::Finished(end) => self.end = end,
            _ => {}
        }
    }

    fn finish(self) -> RunTimeline {
        let places: HashMap<NodeId, usize> =
            self.progress.nodes.iter().enumerate().map(|(place, node)| (node.id.clone(), place)).collect();
        let place = |id: Option<&NodeId>| id.and_then(|id| places.get(id)).copied().unwrap_or(usize::MAX);
        let mut nodes: Vec<_> =
            self.progress.nodes.iter().enumerate().map(|(place, node)| self.node(place, node)).collect();
        nodes.sort_by_key(|node| (rank(node), self.started.get(&node.id), node.place));
        let mut texts: Vec<_> =
            self.texts.into_iter().map(|(node_id, text)| TimelineText { node_id, text }).collect();
        texts.sort_by(|one, other| {
            let by_place = place(Some(&one.node_id)).cmp(&place(Some(&other.node_id)));
            by_place.then_with(|| one.node_id.cmp(&other.node_id))
        });
        let mut outputs = outputs(self.end.outputs);
        // Stable: results of nodes that the workflow doesn't have keep their order.
        outputs.sort_by_key(|output| place(output.node_id.as_ref()));
        RunTimeline {
            end: self.end.phase,
            failure: self.end.failure.map(failure),
            done: self.progress.done,
            total: self.progress.total,
            nodes,
            outputs,
            texts,
        }
    }

    fn node(&self, place: usize, node: &NodeProgress) -> TimelineNode {
        let planned = self.plan.as_ref().and_then(|plan| plan.nodes().get(place));
        TimelineNode {
            id: node.id.clone(),
            title: planned.map_or_else(|| node.id.as_str().into(), |node| node.title.clone()),
            class_type: planned.map(|node| node.class_type.clone()).unwrap_or_default(),
            required: planned.is_none_or(|node| node.required),
            state: node.state,
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the conversion saturates, and counters are whole numbers"
            )]
            steps: node.max.map(|max| max.round() as u64),
            passes: node.pass,
            place,
        }
    }
}

/// The part of the list that a node is in.
fn rank(node: &TimelineNode) -> u8 {
    match node.state {
        NodeState::Cached => 0,
        NodeState::Skipped => 2,
        NodeState::Waiting if node.required => 3,
        NodeState::Waiting => 4,
        _ => 1,
    }
}

/// Adds the measurements of a result to the results of its node and kind.
fn measured(run: &mut RunTimeline, result: &RecordedResult) {
    let kind = kind(result.file_type.as_deref());
    let is_it = |output: &&mut TimelineOutput| output.node_id == result.node_id && output.kind == kind;
    if let Some(output) = run.outputs.iter_mut().find(is_it) {
        output.files.push(TimelineFile {
            dimensions: result.dimensions,
            bytes: Some(result.bytes),
            sha256: Some(result.sha256.as_str().into()),
        });
    }
}

fn kind(file_type: Option<&str>) -> String {
    match file_type {
        Some(kind) if !kind.is_empty() => kind.to_ascii_lowercase(),
        _ => "file".to_owned(),
    }
}

/// Counts results by node and kind.
fn outputs(files: Vec<OutputFile>) -> Vec<TimelineOutput> {
    let mut found: BTreeMap<(Option<NodeId>, String), TimelineOutput> = BTreeMap::new();
    for file in files {
        let kind = kind(file.file_type.as_deref());
        let key = (file.node_id.clone(), kind.clone());
        let output = found.entry(key).or_insert_with(|| TimelineOutput {
            node_id: file.node_id,
            kind,
            count: 0,
            texts: Vec::new(),
            files: Vec::new(),
        });
        output.count += 1;
        output.texts.extend(file.text.map(Untrusted::from));
    }
    found.into_values().collect()
}

fn failure(Failure { node_id, exception_type, message, .. }: Failure) -> TimelineFailure {
    TimelineFailure { node_id, exception_type, message }
}
