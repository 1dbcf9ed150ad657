//! Group C without a socket: what one event costs once it is in memory.

use std::{fmt::Write as _, hint::black_box, sync::Arc, time::Duration};

use runninghub::{Confirm, Graph, Machine, Plan, decode_text};
use runninghub_transport::{Body, Tape};
use serde::Deserialize;
use serde_json::{json, value::RawValue};

use crate::{
    Result,
    row::{Row, median},
    server::{PROMPT, progress},
    usage,
};

/// A small workflow with a sampler, in API format.
pub(crate) const WORKFLOW: &str = r#"{
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {}},
    "3": {"class_type": "KSampler", "inputs": {"model": ["4", 0]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0]}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0]}}
}"#;

/// Nodes in a `progress_state` of a usual workflow.
const NODES: u32 = 30;

pub(crate) fn measure(quick: bool) -> Result {
    let clock = Clock { events: if quick { 100_000 } else { 200_000 }, passes: 5 };
    let events: Vec<String> = (1..=20).map(|step| progress(step, 20)).collect();
    let (mut machine, mut scratch) = (machine(WORKFLOW)?, String::new());
    let two_passes = clock.ns(&events, |text| _ = black_box(parse(text)));
    let decoded = clock.ns(&events, |text| _ = black_box(decode_text(text, &mut scratch)));
    let applied = clock.ns(&events, |text| _ = machine.text(Duration::ZERO, text));
    // 1.3 of what parsing in two passes takes together with a state machine, which is 1.1 of the parsing alone.
    Row::new("C1", "parse and apply a `progress`, against serde_json alone", applied / two_passes, "×")
        .at_most(1.43)
        .note(format!("{applied:.0} ns; serde_json in two passes {two_passes:.0} ns"))
        .print()?;
    Row::new("C2", "the machine without the parsing", applied - decoded, "ns").at_most(150.0).print()?;

    let states: Vec<String> = (1..=20).map(state).collect();
    let size = states.iter().map(String::len).sum::<usize>() as f64 / states.len() as f64;
    let mut large = self::machine(&workflow_of(NODES))?;
    let state = clock.fewer(20).ns(&states, |text| _ = large.text(Duration::ZERO, text));
    Row::new("C2", "parse and apply a `progress_state`, for each KB", state / size, "µs")
        .at_most(2.5)
        .note(format!("{:.1} µs for {NODES} nodes, {:.1} KB", state / 1e3, size / 1e3))
        .print()?;
    let ignored = [json!({"type": "crystools.monitor", "data": {"gpus": vec![97; 400]}}).to_string()];
    let ignored = clock.ns(&ignored, |text| _ = machine.text(Duration::ZERO, text));
    Row::new("C2", "pass over a message of a custom node", ignored, "ns").at_most(100.0).print()?;
    replay(&clock, &events)
}

/// Reading a tape and applying it, against reading the same with the frame embedded as JSON and only parsing it.
fn replay(clock: &Clock, events: &[String]) -> Result {
    let (mut tape, mut embedded) = (String::new(), Vec::new());
    for event in events.iter().cycle().take(clock.events) {
        let row = json!({"t_ms": 1.25, "at_ms": 1.25, "dir": "in", "kind": "text", "text": event});
        writeln!(tape, "{row}")?;
        embedded.push(format!(r#"{{"t_ms": 1.25, "at_ms": 1.25, "data": {event}}}"#));
    }
    let yardstick = clock.ns(&embedded, |line| {
        if let Ok(line) = serde_json::from_str::<Embedded>(line) {
            black_box((line.t_ms, parse(line.data.get())));
        }
    });
    let mut passes = Vec::new();
    for _ in 0..clock.passes {
        let (start, mut machine) = (usage::thread_time(), machine(WORKFLOW)?);
        for row in Tape::parse(tape.as_bytes())?.rows {
            if let Some(Body::Text(text)) = row.frame().map(|frame| frame.body) {
                machine.text(row.at(), &text);
            }
        }
        passes.push((usage::thread_time() - start) * 1e9 / clock.events as f64);
    }
    let ours = median(&passes);
    Row::new("C3", "replay a tape, against only parsing it", yardstick / ours, "×")
        .at_least(0.5)
        .note(format!("{:.2} M events/s", 1e3 / ours))
        .print()
}

struct Clock {
    events: usize,
    passes: usize,
}

impl Clock {
    /// Nanoseconds for each text, over and over.
    fn ns(&self, texts: &[String], mut each: impl FnMut(&str)) -> f64 {
        let mut pass = || {
            let start = usage::thread_time();
            texts.iter().cycle().take(self.events).for_each(|text| each(text));
            (usage::thread_time() - start) * 1e9 / self.events as f64
        };
        pass();
        median(&(0..self.passes).map(|_| pass()).collect::<Vec<_>>())
    }

    fn fewer(&self, times: usize) -> Self {
        Self { events: self.events / times, passes: self.passes }
    }
}

/// The yardstick: `serde_json` with borrowed fields, and nothing for messages that are not as expected.
fn parse(text: &str) -> Option<Progress<'_>> {
    let envelope: Envelope = serde_json::from_str(text).ok()?;
    (envelope.kind == "progress").then(|| serde_json::from_str(envelope.data.get()).ok())?
}

#[derive(Deserialize)]
struct Embedded<'a> {
    t_ms: f64,
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "parsed for the time that it takes")]
struct Progress<'a> {
    value: f64,
    max: f64,
    prompt_id: &'a str,
    node: &'a str,
}

pub(crate) fn machine(workflow: &str) -> Result<Machine> {
    let plan = Plan::new(&Graph::parse(workflow)?, &[]);
    Ok(Machine::new(Some(Arc::new(plan)), Confirm::Http))
}

/// A chain of nodes; the last one saves.
fn workflow_of(nodes: u32) -> String {
    let node = |id: u32| {
        let class = if id == nodes { "SaveImage" } else { "ImageScale" };
        let image = if id == 1 { json!("a.png") } else { json!([(id - 1).to_string(), 0]) };
        (id.to_string(), json!({"class_type": class, "inputs": {"image": image}}))
    };
    serde_json::Value::Object((1..=nodes).map(node).collect()).to_string()
}

fn state(step: u32) -> String {
    let node = |id: u32| {
        let id = id.to_string();
        let value = json!({
            "value": f64::from(step), "max": 20.0, "state": "running", "node_id": id, "prompt_id": PROMPT,
            "display_node_id": id, "parent_node_id": null, "real_node_id": id,
        });
        (id, value)
    };
    let nodes = serde_json::Value::Object((1..=NODES).map(node).collect());
    json!({"type": "progress_state", "data": {"prompt_id": PROMPT, "nodes": nodes}}).to_string()
}
