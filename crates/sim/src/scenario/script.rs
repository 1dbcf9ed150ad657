//! Runs that are scripted instead of recorded.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{End, File, Frame, Mark, Scenario, saved_files, seed_of};
use crate::{json::python, png};

/// The start of every generated run by the server's clock, in milliseconds since the epoch.
const SCRIPT_EPOCH_MS: u128 = 1_795_000_000_000;

/// A generated run, with its nodes in the order in which they run.
///
/// The frames are those of a ComfyUI 0.29: `status` twice, `execution_start`, `execution_cached`, for each node
/// `progress_state`, `executing`, per step `progress_state` and `progress`, `executed`, `progress_state`, and at the
/// end `execution_success`, `status`, `executing` null.
#[derive(Clone, Debug)]
#[must_use = "a script does nothing until it is built"]
pub struct Script {
    name: String,
    nodes: Vec<ScriptNode>,
    progress_state: bool,
}

/// One node of a [`Script`].
#[derive(Clone, Debug)]
#[must_use = "a node does nothing until a script has it"]
pub struct ScriptNode {
    pub(super) id: String,
    class_type: String,
    title: String,
    inputs: Map<String, Value>,
    takes: Duration,
    pub(super) steps: u32,
    /// How many rounds of a loop it starts; 0 if it starts none.
    pub(super) rounds: u32,
    /// The start of the loop whose body it belongs to.
    looped_by: Option<String>,
    passes: u32,
    part: Part,
    saves: Vec<String>,
    shows: Vec<String>,
    previews: bool,
    waits_for: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Runs,
    Cached,
    Idle,
    Fails { kind: String, message: String },
    Interrupted,
}

impl Script {
    pub(super) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), nodes: Vec::new(), progress_state: true }
    }

    /// Adds a node. Nodes run in the order in which they were added.
    pub fn node(mut self, node: ScriptNode) -> Self {
        self.nodes.push(node);
        self
    }

    /// Omits `progress_state`, like servers before 0.3.45.
    pub fn without_progress_state(mut self) -> Self {
        self.progress_state = false;
        self
    }

    /// Builds the scenario.
    pub fn build(self) -> Scenario {
        Writer::new(&self).write(self)
    }
}

impl ScriptNode {
    /// A node with no duration and no steps.
    pub fn new(id: impl Into<String>, class_type: impl Into<String>) -> Self {
        let class_type = class_type.into();
        Self {
            id: id.into(),
            title: class_type.clone(),
            class_type,
            inputs: Map::new(),
            takes: Duration::ZERO,
            steps: 0,
            rounds: 0,
            looped_by: None,
            passes: 1,
            part: Part::Runs,
            saves: Vec::new(),
            shows: Vec::new(),
            previews: false,
            waits_for: None,
        }
    }

    /// Sets the node's name in the editor (`_meta.title`); the class by default.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Sets a value of the node, which `nodeInfoList` can change.
    pub fn input(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.inputs.insert(name.into(), value.into());
        self
    }

    /// Connects an input to an output of another node.
    pub fn link(self, name: impl Into<String>, node_id: &str, output: u32) -> Self {
        self.input(name, json!([node_id, output]))
    }

    /// Sets how long the node runs, all passes together, at speed 1.
    pub fn takes(mut self, duration: Duration) -> Self {
        self.takes = duration;
        self
    }

    /// Sets the number of steps of its progress bar.
    pub fn steps(mut self, steps: u32) -> Self {
        self.steps = steps;
        self
    }

    /// Sets how many times the bar runs from the start, as in tiled nodes; at least 1.
    pub fn passes(mut self, passes: u32) -> Self {
        self.passes = passes.max(1);
        self
    }

    /// Makes the node the start of a native loop with this many rounds, as in ComfyUI 0.37 and later.
    pub fn rounds(mut self, rounds: u32) -> Self {
        self.rounds = rounds;
        self
    }

    /// Puts the node into the body of the loop that `start` starts: it runs once a round, under the id of a copy. If it
    /// fails or is interrupted, then in the last round.
    pub fn looped_by(mut self, start: impl Into<String>) -> Self {
        self.looped_by = Some(start.into());
        self
    }

    /// Makes the node cached: it is listed in `execution_cached` and does not run.
    pub fn cached(mut self) -> Self {
        self.part = Part::Cached;
        self
    }

    /// Leaves the node in the workflow without running it.
    pub fn idle(mut self) -> Self {
        self.part = Part::Idle;
        self
    }

    /// Makes the node raise an exception at the end of its time, so that the run fails.
    pub fn fails(mut self, exception_type: impl Into<String>, message: impl Into<String>) -> Self {
        self.part = Part::Fails { kind: exception_type.into(), message: message.into() };
        self
    }

    /// Interrupts the run when this node's time is over.
    pub fn interrupted(mut self) -> Self {
        self.part = Part::Interrupted;
        self
    }

    /// Makes the node an output node that saves a file of this name; can be called several times.
    pub fn saves(mut self, file_name: impl Into<String>) -> Self {
        self.saves.push(file_name.into());
        self
    }

    /// Makes the node show a file of this name, like `PreviewImage`: the file isn't a result, and only the socket
    /// names it.
    pub fn shows(mut self, file_name: impl Into<String>) -> Self {
        self.shows.push(file_name.into());
        self
    }

    /// Sends a preview image with each step (binary event 1).
    pub fn previews(mut self) -> Self {
        self.previews = true;
        self
    }

    /// Gives the node a lazy input: it starts before `node_id`, waits, and starts again in its turn.
    pub fn lazy(mut self, node_id: impl Into<String>) -> Self {
        self.waits_for = Some(node_id.into());
        self
    }

    fn is_output(&self) -> bool {
        !self.saves.is_empty() || !self.shows.is_empty()
    }

    fn output(&self) -> Value {
        let saved = self.saves.iter().map(|name| (name, "output"));
        let files = saved.chain(self.shows.iter().map(|name| (name, "temp")));
        let images: Vec<_> =
            files.map(|(name, kind)| json!({"filename": name, "subfolder": "", "type": kind})).collect();
        json!({ "images": images })
    }
}

/// Generates the frames, and tracks the state as a real server does.
pub(super) struct Writer {
    pub(super) prompt_id: String,
    pub(super) at: Duration,
    pub(super) frames: Vec<Frame>,
    progress_state: bool,
    nodes: Map<String, Value>,
    pub(super) executed: Vec<String>,
}

impl Writer {
    fn new(script: &Script) -> Self {
        let seed = seed_of(&script.name);
        let tail = seed_of(&seed.to_string()) & 0xffff_ffff_ffff;
        Self {
            prompt_id: format!(
                "{:08x}-{:04x}-4{:03x}-8a52-{tail:012x}",
                seed >> 32,
                seed >> 16 & 0xffff,
                seed & 0xfff
            ),
            at: Duration::ZERO,
            frames: Vec::new(),
            progress_state: script.progress_state,
            nodes: Map::new(),
            executed: Vec::new(),
        }
    }

    fn write(mut self, script: Script) -> Scenario {
        let cached: Vec<_> =
            script.nodes.iter().filter(|node| node.part == Part::Cached).map(|node| &node.id).collect();
        self.status(1);
        self.status(1);
        self.send("execution_start", json!({"prompt_id": self.prompt_id, "timestamp": self.timestamp()}));
        self.send(
            "execution_cached",
            json!({"nodes": cached, "prompt_id": self.prompt_id, "timestamp": self.timestamp()}),
        );
        let end = self.run(&script.nodes);
        self.status(0);
        self.send("executing", json!({"node": null, "prompt_id": self.prompt_id}));

        let files: Vec<File> = match end {
            End::Success => {
                let runs = script.nodes.iter().filter(|node| node.part != Part::Idle);
                runs.flat_map(|node| saved_files(&node.id, &node.output(), |_| None)).collect()
            }
            _ => Vec::new(),
        };
        Scenario {
            has_metadata: false,
            id: None,
            outputs_to_execute: script
                .nodes
                .iter()
                .filter(|node| node.is_output() && node.part != Part::Idle)
                .map(|node| node.id.clone())
                .collect(),
            workflow: script.nodes.iter().map(|node| (node.id.clone(), in_graph(node))).collect(),
            name: script.name,
            prompt_id: self.prompt_id,
            node_errors: json!({}),
            frames: self.frames.into(),
            end,
            files: files.into(),
        }
    }

    fn run(&mut self, nodes: &[ScriptNode]) -> End {
        for node in nodes.iter().filter(|node| matches!(node.part, Part::Cached) && node.is_output()) {
            self.executed(node);
        }
        let runs = |node: &&ScriptNode| !matches!(node.part, Part::Cached | Part::Idle);
        for node in nodes.iter().filter(|node| node.looped_by.is_none()).filter(runs) {
            for waiting in nodes.iter().filter(|other| other.waits_for.as_ref() == Some(&node.id)) {
                self.begin(waiting);
            }
            self.begin(node);
            if node.rounds > 0 {
                self.iteration(node, 0);
            }
            self.steps_as(node, &node.id, |writer, value, max| writer.state(&node.id, value, max, "running"));
            if let Some(end) = self.stop(node, node) {
                return end;
            }
            if node.is_output() {
                self.executed(node);
            }
            let max = f64::from(node.steps.max(1));
            self.state(&node.id, max, max, "finished");
            self.executed.push(node.id.clone());
            let body = nodes.iter().filter(|other| other.looped_by.as_ref() == Some(&node.id)).filter(runs);
            if let Some(end) = self.rounds(node, &body.collect::<Vec<_>>()) {
                return end;
            }
        }
        self.send("execution_success", json!({"prompt_id": self.prompt_id, "timestamp": self.timestamp()}));
        End::Success
    }

    fn begin(&mut self, node: &ScriptNode) {
        self.state(&node.id, 0.0, 1.0, "running");
        self.send(
            "executing",
            json!({"node": node.id, "display_node": node.id, "prompt_id": self.prompt_id}),
        );
    }

    /// The end of the run, if it ends at this node. `named` is the node in the message.
    pub(super) fn stop(&mut self, node: &ScriptNode, named: &ScriptNode) -> Option<End> {
        match &node.part {
            Part::Fails { kind, message } => Some(self.fail(named, kind, message)),
            Part::Interrupted => {
                self.send(
                    "execution_interrupted",
                    json!({
                        "prompt_id": self.prompt_id, "node_id": named.id, "node_type": named.class_type,
                        "executed": self.executed, "timestamp": self.timestamp(),
                    }),
                );
                Some(End::Interrupted)
            }
            _ => None,
        }
    }

    /// The steps of a node that runs under an id; `state` reports each in `progress_state`.
    pub(super) fn steps_as(&mut self, node: &ScriptNode, id: &str, state: impl Fn(&mut Self, f64, f64)) {
        let total = node.steps * node.passes;
        if total == 0 {
            self.at += node.takes;
        }
        let begun = self.at;
        for done in 1..=total {
            self.at = begun + node.takes * done / total;
            let value = (done - 1) % node.steps + 1;
            state(self, f64::from(value), f64::from(node.steps));
            self.send(
                "progress",
                json!({
                    "value": value, "max": node.steps, "prompt_id": self.prompt_id, "node": id,
                }),
            );
            if node.previews {
                self.frames.push(Frame::binary(self.at, preview(&node.id, done, total)));
            }
        }
    }

    fn fail(&mut self, node: &ScriptNode, kind: &str, message: &str) -> End {
        let inputs: Map<_, _> =
            node.inputs.iter().map(|(name, value)| (name.clone(), json!([value.to_string()]))).collect();
        let error = json!({
            "prompt_id": self.prompt_id, "node_id": node.id, "node_type": node.class_type, "executed": self.executed,
            "exception_message": message, "exception_type": kind,
            "traceback": [format!("  File \"/comfyui/execution.py\", line 510, in execute\n    …\n{kind}: {message}\n")],
            "current_inputs": inputs, "current_outputs": self.executed, "timestamp": self.timestamp(),
        });
        self.send("execution_error", error.clone());
        End::Failed(Some(error))
    }

    fn executed(&mut self, node: &ScriptNode) {
        self.send("executed", json!({
            "node": node.id, "display_node": node.id, "output": node.output(), "prompt_id": self.prompt_id,
        }));
    }

    fn state(&mut self, id: &str, value: f64, max: f64, state: &str) {
        self.put_state(
            id,
            json!({
                "value": value, "max": max, "state": state, "node_id": id, "prompt_id": self.prompt_id,
                "display_node_id": id, "parent_node_id": null, "real_node_id": id,
            }),
        );
    }

    pub(super) fn put_state(&mut self, id: &str, entry: Value) {
        if !self.progress_state {
            return;
        }
        self.nodes.insert(id.to_owned(), entry);
        let snapshot = json!({"prompt_id": self.prompt_id, "nodes": self.nodes});
        self.send("progress_state", snapshot);
    }

    fn status(&mut self, queue_remaining: u32) {
        self.send("status", json!({"status": {"exec_info": {"queue_remaining": queue_remaining}}}));
    }

    #[expect(clippy::needless_pass_by_value, reason = "every call makes its value on the spot")]
    pub(super) fn send(&mut self, kind: &str, data: Value) {
        let text = python(&json!({"type": kind, "data": data}));
        self.frames.push(Frame::text(self.at, text, &self.prompt_id));
        debug_assert!(
            kind != "execution_success" || self.frames.last().is_some_and(|frame| frame.mark == Mark::End)
        );
    }

    fn timestamp(&self) -> u64 {
        u64::try_from(SCRIPT_EPOCH_MS + self.at.as_millis()).unwrap_or(u64::MAX)
    }
}

fn in_graph(node: &ScriptNode) -> Value {
    json!({"inputs": node.inputs, "class_type": node.class_type, "_meta": {"title": node.title}})
}

/// Binary event 1 with a PNG (type 2) that becomes clearer with each step.
fn preview(id: &str, done: u32, total: u32) -> Bytes {
    let mut bytes = vec![0, 0, 0, 1, 0, 0, 0, 2];
    bytes.extend(png::picture(96, 128, seed_of(id), 1.0 - f64::from(done) / f64::from(total)));
    bytes.into()
}
