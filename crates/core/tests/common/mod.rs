//! Reads the recordings in `fixtures/` without the transport crate, because core is tested alone.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use runninghub_core::{Confirm, Graph, Machine, NodeId, Plan};
use serde::Deserialize;
use serde_json::Value;

pub(crate) const LIVE_MESSAGES: [&str; 2] = ["progress", "executing"];

/// A row of `expected.json`: the correct result for a recording.
#[derive(Debug, Deserialize)]
pub(crate) struct Expected {
    pub(crate) prompt_id: String,
    pub(crate) stream: String,
    pub(crate) end: String,
    pub(crate) fraction: f64,
    pub(crate) settled: usize,
    pub(crate) total: usize,
    pub(crate) seed_final_pct: f64,
}

/// A frame of a recording.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) at: Duration,
    pub(crate) body: Body,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Body {
    Text(String),
    Binary(Vec<u8>),
    /// A connection was opened.
    Open,
    /// The connection has closed.
    Closed,
}

impl Frame {
    /// The message's type, used to drop some types.
    pub(crate) fn kind(&self) -> String {
        let Body::Text(text) = &self.body else { return String::new() };
        serde_json::from_str::<Value>(text)
            .ok()
            .and_then(|v| Some(v.get("type")?.as_str()?.to_owned()))
            .unwrap_or_default()
    }
}

/// One prompt as seen by one client.
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) expected: Expected,
    pub(crate) plan: Arc<Plan>,
    pub(crate) frames: Vec<Frame>,
    /// The index among several runs with the same prompt id, from 0.
    pub(crate) repeat: usize,
    /// The recording contains only one prompt.
    pub(crate) sole: bool,
}

pub(crate) fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// All scenarios, read once.
pub(crate) fn scenarios() -> &'static [Scenario] {
    static ALL: LazyLock<Vec<Scenario>> = LazyLock::new(load_all);
    &ALL
}

pub(crate) fn scenario(name: &str) -> &'static Scenario {
    scenarios().iter().find(|scenario| scenario.name == name).expect("the scenario exists")
}

fn load_all() -> Vec<Scenario> {
    let text = fs::read_to_string(fixtures().join("expected.json")).expect("fixtures/expected.json");
    let expected: BTreeMap<String, Vec<Expected>> = serde_json::from_str(&text).expect("it is JSON");
    let mut all = Vec::new();
    for (name, rows) in expected {
        let mut earlier = Vec::new();
        for row in rows {
            let key = (row.prompt_id.clone(), row.stream.clone());
            let repeat = earlier.iter().filter(|one| **one == key).count();
            earlier.push(key);
            all.push(load(&name, row, repeat));
        }
    }
    assert!(all.len() > 70, "all recordings are there");
    all
}

fn json(path: PathBuf) -> Option<Value> {
    let text = fs::read_to_string(path).ok()?;
    // Histories contain Python's JSON, like the frames.
    let text = runninghub_core::repair(&text).unwrap_or(text);
    Some(serde_json::from_str(&text).expect("it is JSON"))
}

fn load(name: &str, expected: Expected, repeat: usize) -> Scenario {
    let folder = fixtures().join(name);
    let meta = json(folder.join("meta.json")).expect("meta.json");
    let prompts: Vec<_> = meta["prompts"]
        .as_array()
        .expect("prompts")
        .iter()
        .filter(|prompt| prompt["prompt_id"] == expected.prompt_id.as_str())
        .collect();
    let sole =
        meta["prompts"].as_array().expect("prompts").iter().filter(|p| p["prompt_id"].is_string()).count()
            == 1;
    let workflow = prompts[repeat]["workflow"].as_str().expect("a workflow");
    let text = fs::read_to_string(folder.join(workflow)).expect("the workflow");
    let graph = Graph::parse(&text).expect("a workflow");
    let plan = Arc::new(Plan::new(&graph, &outputs(&folder, &expected.prompt_id, repeat, &graph)));
    Scenario { name: name.into(), frames: frames(&folder, &expected.stream), plan, expected, repeat, sole }
}

/// The outputs: from the history, or else from the output node classes that were not rejected.
fn outputs(folder: &Path, prompt_id: &str, repeat: usize, graph: &Graph) -> Vec<NodeId> {
    let mut histories: Vec<_> = fs::read_dir(folder)
        .expect("the folder")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|file| file.starts_with("history"))
        .collect();
    histories.sort();
    let tuples: Vec<Vec<NodeId>> = histories
        .into_iter()
        .filter_map(|file| {
            let history = json(folder.join(file))?;
            let ids = history.get(prompt_id)?.get("prompt")?.get(4)?.as_array()?.clone();
            Some(ids.iter().filter_map(|id| id.as_str().map(NodeId::from)).collect())
        })
        .collect();
    if let Some(ids) = tuples.get(repeat).or(tuples.first()) {
        return ids.clone();
    }
    let Some(classes) = json(folder.join("object_info.json")) else { return Vec::new() };
    graph
        .nodes()
        .iter()
        .filter(|node| classes[node.class_type.raw()]["output_node"] == true)
        .map(|node| node.id.clone())
        .collect()
}

fn frames(folder: &Path, stream: &str) -> Vec<Frame> {
    let single = folder.join(format!("ws-{stream}.jsonl"));
    let files = if single.exists() {
        vec![single]
    } else {
        (1..10)
            .map(|n| folder.join(format!("ws-{stream}{n}.jsonl")))
            .take_while(|file| file.exists())
            .collect()
    };
    assert!(!files.is_empty(), "{} has a tape", folder.display());
    let mut frames = Vec::new();
    for file in files {
        for line in fs::read_to_string(file).expect("the tape").lines() {
            let row: Value = serde_json::from_str(line).expect("a row");
            if row.get("format").is_some() || row["dir"] != "in" {
                continue;
            }
            let at = Duration::from_secs_f64(row["at_ms"].as_f64().expect("a time") / 1000.0);
            let body = match row["kind"].as_str() {
                Some("text") => Body::Text(row["text"].as_str().expect("text").to_owned()),
                Some("binary") => {
                    Body::Binary(BASE64_STANDARD.decode(row["b64"].as_str().expect("b64")).expect("base64"))
                }
                Some("open") => Body::Open,
                Some("eof") => Body::Closed,
                _ => continue,
            };
            if let (Body::Open, Some(last)) = (&body, frames.last_mut()) {
                // A client that opens the next connection is done with the previous one.
                let last: &mut Frame = last;
                last.at = last.at.min(at);
            }
            frames.push(Frame { at, body });
        }
    }
    frames
}

impl Scenario {
    pub(crate) fn machine(&self) -> Machine {
        self.machine_for(Confirm::Frames)
    }

    pub(crate) fn machine_for(&self, confirm: Confirm) -> Machine {
        let machine = Machine::new(Some(self.plan.clone()), confirm);
        machine.only(self.expected.prompt_id.as_str().into(), self.sole)
    }

    /// The frames of this run: of several runs with one prompt id, those from its own start on.
    pub(crate) fn own_frames(&self) -> Vec<Frame> {
        if self.repeat == 0 {
            return self.frames.clone();
        }
        let starts = self.frames.iter().enumerate().filter(|(_, frame)| {
            frame.kind() == "execution_start"
                && matches!(&frame.body, Body::Text(text) if text.contains(&self.expected.prompt_id))
        });
        let from = starts.map(|(at, _)| at).nth(self.repeat).expect("it starts again");
        self.frames[from..].to_vec()
    }

    pub(crate) fn without(&self, kinds: &[&str]) -> Vec<Frame> {
        self.own_frames().into_iter().filter(|frame| !kinds.contains(&&*frame.kind())).collect()
    }
}

pub(crate) fn feed(machine: &mut Machine, frame: &Frame) {
    match &frame.body {
        Body::Text(text) => drop(machine.text(frame.at, text)),
        Body::Binary(bytes) => drop(machine.binary(frame.at, bytes)),
        Body::Open => machine.connected(),
        Body::Closed => {}
    }
}

pub(crate) fn play(mut machine: Machine, frames: &[Frame]) -> Machine {
    for frame in frames {
        feed(&mut machine, frame);
    }
    machine
}
