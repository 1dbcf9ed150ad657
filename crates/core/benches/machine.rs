//! The cost of a frame: decoding it, and applying it.
//!
//! The machine alone is the difference between `apply` and `decode` of the same frame.

#[path = "../tests/common/mod.rs"]
mod common;

use std::{hint::black_box, sync::Arc, time::Duration};

use common::{Body, scenario};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use runninghub_core::{Confirm, Graph, Machine, Plan, decode_text};
use serde::Deserialize;
use serde_json::value::RawValue;

const PROMPT: &str = "0083fcfb-aa62-45a9-b189-0c3149633ba5";
/// The number of nodes in the workflow the performance goals were measured with.
const NODES: usize = 37;

fn progress(value: usize) -> String {
    format!(
        r#"{{"type": "progress", "data": {{"value": {value}, "max": 90, "prompt_id": "{PROMPT}", "node": "36"}}}}"#
    )
}

fn executing(node: usize) -> String {
    format!(
        r#"{{"type": "executing", "data": {{"node": "{node}", "display_node": "{node}", "prompt_id": "{PROMPT}"}}}}"#
    )
}

/// All nodes but the last have finished; the last one is at `value`.
fn progress_state(value: usize) -> String {
    let nodes: Vec<String> = (0..NODES)
        .map(|node| {
            let (value, max, state) = if node + 1 < NODES { (1, 1, "finished") } else { (value, 90, "running") };
            format!(
                r#""{node}": {{"value": {value}, "max": {max}, "state": "{state}", "node_id": "{node}", "prompt_id": "{PROMPT}", "display_node_id": "{node}", "parent_node_id": null, "real_node_id": "{node}"}}"#
            )
        })
        .collect();
    format!(
        r#"{{"type": "progress_state", "data": {{"prompt_id": "{PROMPT}", "nodes": {{{}}}}}}}"#,
        nodes.join(", ")
    )
}

/// A chain of nodes, with a run in progress.
fn machine() -> Machine {
    let nodes: Vec<String> = (0..NODES)
        .map(|n| format!(r#""{n}":{{"class_type":"X","inputs":{{"in":["{}",0]}}}}"#, n.wrapping_sub(1)))
        .collect();
    let graph = Graph::parse(&format!("{{{}}}", nodes.join(","))).expect("a workflow");
    let mut machine = Machine::new(Some(Arc::new(Plan::new(&graph, &[]))), Confirm::Http);
    machine
        .text(Duration::ZERO, &format!(r#"{{"type":"execution_start","data":{{"prompt_id":"{PROMPT}"}}}}"#));
    machine.text(Duration::ZERO, &progress_state(0));
    machine.text(Duration::ZERO, &executing(NODES - 1));
    while machine.next_event().is_some() {}
    machine
}

/// Benchmarks decoding, and decoding plus applying, with frames of one kind in turn.
fn kind(c: &mut Criterion, name: &str, frames: &[String]) {
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Bytes(frames[0].len() as u64));
    let (mut turn, mut scratch) = (frames.iter().cycle(), String::new());
    group.bench_function("decode", |b| {
        b.iter(|| drop(black_box(decode_text(turn.next().expect("endless"), &mut scratch))));
    });
    let (mut turn, mut machine) = (frames.iter().cycle(), machine());
    group.bench_function("apply", |b| {
        b.iter(|| machine.text(Duration::from_secs(1), black_box(turn.next().expect("endless"))));
    });
}

/// The baseline for the goals: the same frame parsed in two passes into strict types.
fn yardstick(c: &mut Criterion) {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(rename = "type")]
        kind: &'a str,
        #[serde(borrow)]
        data: &'a RawValue,
    }
    #[derive(Deserialize)]
    struct Data<'a> {
        prompt_id: &'a str,
        node: &'a str,
        value: f64,
        max: f64,
    }
    let text = progress(7);
    c.bench_function("yardstick", |b| {
        b.iter(|| {
            let envelope: Envelope<'_> = serde_json::from_str(black_box(&text)).expect("a message");
            let data: Data<'_> = serde_json::from_str(envelope.data.get()).expect("its data");
            black_box((envelope.kind, data.prompt_id, data.node, data.value, data.max));
        });
    });
}

fn kinds(c: &mut Criterion) {
    let values = || 0..90;
    kind(c, "progress", &values().map(progress).collect::<Vec<_>>());
    kind(c, "executing", &[executing(NODES - 1)]);
    kind(c, "progress_state", &values().map(progress_state).collect::<Vec<_>>());
    let monitor = r#"{"type": "crystools.monitor", "data": {"cpu_utilization": 12.5, "ram_used": 8123456789, "gpus": [{"x": 1}]}}"#;
    kind(c, "ignored", &[monitor.to_owned()]);
}

fn snapshot(c: &mut Criterion) {
    let mut machine = machine();
    c.bench_function("snapshot", |b| b.iter(|| machine.progress(runninghub_core::Connection::default())));
}

fn tick(c: &mut Criterion) {
    let (mut machine, mut now) = (machine(), Duration::from_secs(1));
    c.bench_function("tick", |b| {
        b.iter(|| {
            now += Duration::from_micros(1);
            machine.tick(black_box(now));
        });
    });
}

fn replay(c: &mut Criterion) {
    let mut group = c.benchmark_group("replay");
    for name in ["40-long", "41-fast"] {
        let scenario = scenario(name);
        let texts = || {
            scenario.frames.iter().filter_map(|frame| match &frame.body {
                Body::Text(text) => Some((frame.at, text)),
                _ => None,
            })
        };
        group.throughput(Throughput::Elements(texts().count() as u64));
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| {
                let mut machine = scenario.machine();
                for (at, text) in texts() {
                    machine.text(at, text);
                }
                machine.phase()
            });
        });
    }
}

criterion_group!(benches, yardstick, kinds, snapshot, tick, replay);
criterion_main!(benches);
