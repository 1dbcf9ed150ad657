//! Group C without a socket: the cost of one event that is already in memory.

use std::{fmt::Write as _, hint::black_box, sync::Arc, time::Duration};

use runninghub::{Confirm, Graph, Machine, Plan, decode_text};
use runninghub_transport::{Body, TapeReader};
use serde::{Deserialize, de::IgnoredAny};
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
    let rounds = if quick { 9 } else { 25 };
    let events: Vec<String> = (1..=20).map(|step| progress(step, 20)).collect();
    let (mut machine, mut scratch) = (machine(WORKFLOW)?, String::new());
    let [parsed, decoded, applied] = in_turn(
        rounds,
        20_000,
        &events,
        [
            &mut |text| _ = black_box(parse(text)),
            &mut |text| _ = black_box(decode_text(text, &mut scratch)),
            &mut |text| _ = machine.text(Duration::ZERO, text),
        ],
    );
    // 1.3 × 1.1: parsing in two passes with a state machine takes 1.1 times the parsing alone, and 1.3 times that is
    // the limit.
    Row::new("C1", "parse and apply a `progress`, against serde_json alone", ratio(&applied, &parsed), "×")
        .at_most(1.43)
        .note(format!("{:.0} ns against {:.0} ns", median(&applied), median(&parsed)))
        .print()?;
    let alone: Vec<f64> = applied.iter().zip(&decoded).map(|(applied, decoded)| applied - decoded).collect();
    // 150 ns where serde_json takes 237.
    Row::new("C2", "the machine without the parsing, against serde_json", ratio(&alone, &parsed), "×")
        .at_most(0.63)
        .note(format!("{:.0} ns", median(&alone)))
        .print()?;

    let states: Vec<String> = (1..=20).map(state).collect();
    let size = states.iter().map(String::len).sum::<usize>() as f64 / states.len() as f64;
    let mut large = self::machine(&workflow_of(NODES))?;
    let [skipped, applied] = in_turn(
        rounds,
        1000,
        &states,
        [&mut |text| _ = black_box(serde_json::from_str::<IgnoredAny>(text)), &mut |text| {
            _ = large.text(Duration::ZERO, text);
        }],
    );
    // 2.5 µs for each KB; serde_json skips one in 0.57 µs.
    Row::new(
        "C2",
        "parse and apply a `progress_state`, against passing over it",
        ratio(&applied, &skipped),
        "×",
    )
    .at_most(4.4)
    .note(format!("{:.2} µs for each KB, {NODES} nodes", median(&applied) / size))
    .print()?;
    let monitor = [json!({"type": "crystools.monitor", "data": {"gpus": vec![97; 400]}}).to_string()];
    let [ignored] = in_turn(rounds, 20_000, &monitor, [&mut |text| _ = machine.text(Duration::ZERO, text)]);
    Row::new("C2", "pass over a message of a custom node", median(&ignored), "ns").at_most(100.0).print()?;
    let mut hundred = self::machine(&workflow_of(100))?;
    hundred.text(Duration::ZERO, &state(1));
    let mut now = Duration::ZERO;
    let [ticked] = in_turn(
        rounds,
        20_000,
        &[String::new()],
        [&mut |_| {
            now += Duration::from_micros(1);
            hundred.tick(now);
        }],
    );
    Row::new("C2", "a tick of the overall figure, 100 nodes", median(&ticked), "ns")
        .at_most(1000.0)
        .print()?;
    replay(rounds, &events)
}

/// Reading and applying a tape, against reading the same with the frame embedded as JSON and only parsing it.
fn replay(rounds: usize, events: &[String]) -> Result {
    const ROWS: usize = 20_000;
    let (mut tape, mut embedded) = (String::new(), String::new());
    for event in events.iter().cycle().take(ROWS) {
        let row = json!({"t_ms": 1.25, "at_ms": 1.25, "dir": "in", "kind": "text", "text": event});
        writeln!(tape, "{row}")?;
        writeln!(embedded, r#"{{"t_ms": 1.25, "at_ms": 1.25, "data": {event}}}"#)?;
    }
    let mut machine = machine(WORKFLOW)?;
    let [parsed, played] = in_turn(
        rounds,
        1,
        &[String::new()],
        [
            &mut |_| {
                for line in embedded.lines() {
                    let line: Option<Embedded> = serde_json::from_str(line).ok();
                    black_box(line.and_then(|line| Some((line.t_ms, parse(line.data.get())?.value))));
                }
            },
            &mut |_| {
                for row in TapeReader::new(tape.as_bytes()).into_iter().flatten().flatten() {
                    if let Some(Body::Text(text)) = &row.body {
                        machine.text(row.at(), text);
                    }
                }
            },
        ],
    );
    Row::new("C3", "replay a tape, against only parsing it", ratio(&parsed, &played), "×")
        .at_least(0.5)
        .note(format!("{:.2} M events/s", 1e3 * ROWS as f64 / median(&played)))
        .print()
}

/// Runs each piece of work `times` times, one after the other, in several rounds. Returns nanoseconds per round.
fn in_turn<const N: usize>(
    rounds: usize,
    times: usize,
    texts: &[String],
    mut work: [&mut dyn FnMut(&str); N],
) -> [Vec<f64>; N] {
    let mut took = [const { Vec::new() }; N];
    for round in 0..=rounds {
        for (work, took) in work.iter_mut().zip(&mut took) {
            let start = usage::thread_time();
            texts.iter().cycle().take(times).for_each(|text| work(text));
            // The first round is the warm-up.
            if round > 0 {
                took.push((usage::thread_time() - start) * 1e9 / times as f64);
            }
        }
    }
    took
}

/// The median of the rounds' ratios: within a round, both sides ran under the same conditions.
pub(crate) fn ratio(ours: &[f64], yardstick: &[f64]) -> f64 {
    median(&ours.iter().zip(yardstick).map(|(ours, yardstick)| ours / yardstick).collect::<Vec<_>>())
}

/// The baseline: `serde_json` with borrowed fields, without handling of unexpected messages.
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
