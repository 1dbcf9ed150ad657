//! Generated workflows, frames and durations.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::time::Duration;

use proptest::{prelude::*, sample::Index};
use runninghub_core::{Graph, Learned, NodeId};
use serde_json::{Value, json};

use super::common::{Body, Frame};

const CLASSES: [&str; 8] = [
    "CheckpointLoaderSimple",
    "CLIPTextEncode",
    "StartLoop",
    "UltimateSDUpscale",
    "Node",
    "EndLoop",
    "KSampler",
    "VAEDecode",
];

/// A generated workflow: node `n` takes inputs from earlier nodes; its second half may feed nothing.
pub(crate) fn graph() -> impl Strategy<Value = (Graph, Vec<NodeId>)> {
    (1usize..9, any::<u64>(), any::<Index>()).prop_map(|(size, links, output)| {
        let nodes: serde_json::Map<_, _> = (0..size)
            .map(|n| {
                let inputs: serde_json::Map<_, _> = (0..n)
                    .filter(|above| links >> ((n * 7 + above * 3) % 64) & 1 == 1)
                    .map(|above| (format!("in{above}"), json!([above.to_string(), 0])))
                    .collect();
                let class = CLASSES[n % CLASSES.len()];
                (n.to_string(), json!({ "class_type": class, "inputs": inputs }))
            })
            .collect();
        let graph = Graph::parse(&Value::Object(nodes).to_string()).expect("a workflow");
        (graph, vec![output.index(size).to_string().into()])
    })
}

/// A node's id: from the workflow, from an expansion, or unknown.
fn id() -> impl Strategy<Value = String> {
    prop_oneof![6 => (0u8..9).prop_map(|n| n.to_string()), 2 => (0u8..9, 0u8..3).prop_map(|(n, c)| format!("{n}.0.0.{c}")),
        1 => Just("1.0.0.1.0.0.2".to_owned()), 1 => Just("nowhere".to_owned())]
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![8 => (0u8..12).prop_map(Value::from), 1 => any::<f64>().prop_map(Value::from), 1 => Just(json!(-3)), 1 => Just(Value::Null)]
}

fn message() -> impl Strategy<Value = Value> {
    let node = || prop_oneof![9 => id().prop_map(Value::from), 1 => Just(Value::Null)];
    let entry =
        (id(), prop::sample::select(vec!["running", "finished", "pending", "error"]), number(), number());
    prop_oneof![
        1 => Just(json!({ "type": "execution_start", "data": {} })),
        1 => prop::collection::vec(id(), 0..4).prop_map(|nodes| json!({ "type": "execution_cached", "data": { "nodes": nodes } })),
        6 => node().prop_map(|node| json!({ "type": "executing", "data": { "node": node } })),
        8 => (node(), number(), number())
            .prop_map(|(node, value, max)| json!({ "type": "progress", "data": { "node": node, "value": value, "max": max } })),
        4 => prop::collection::vec(entry, 0..6).prop_map(|entries| {
            let nodes: serde_json::Map<_, _> = entries
                .into_iter()
                .map(|(id, state, value, max)| (id, json!({ "state": state, "value": value, "max": max })))
                .collect();
            json!({ "type": "progress_state", "data": { "nodes": nodes } })
        }),
        2 => node().prop_map(|node| json!({ "type": "executed", "data": { "node": node, "output": { "images": [{ "type": "output" }] } } })),
        1 => node().prop_map(|node| json!({ "type": "execution_success", "data": { "node": node } })),
        1 => (id(), any::<bool>()).prop_map(|(node, blocked)| {
            let kind = if blocked { "ExecutionBlocked" } else { "ValueError" };
            json!({ "type": "execution_error", "data": { "node_id": node, "exception_type": kind, "exception_message": "no" } })
        }),
        1 => id().prop_map(|node| json!({ "type": "execution_interrupted", "data": { "node_id": node } })),
        1 => Just(json!({ "type": "crystools.monitor", "data": { "value": 5, "max": 5 } })),
    ]
}

pub(crate) fn made_up() -> impl Strategy<Value = Vec<Frame>> {
    let prompt = prop_oneof![12 => Just(Some("ours")), 2 => Just(Some("other")), 2 => Just(None)];
    prop::collection::vec((message(), prompt, 0u32..2_000), 0..60).prop_map(|steps| {
        let mut at = Duration::ZERO;
        let frame = |(mut message, prompt, wait): (Value, Option<&str>, u32)| {
            at += Duration::from_millis(wait.into());
            if let Some(prompt) = prompt {
                message["data"]["prompt_id"] = prompt.into();
            }
            Frame { at, body: Body::Text(message.to_string()) }
        };
        steps.into_iter().map(frame).collect()
    })
}

pub(crate) fn weights() -> impl Strategy<Value = Vec<Learned>> {
    let seconds = prop_oneof![0.0..50.0, Just(0.0), Just(f64::MAX), any::<f64>()];
    let one =
        (id(), seconds, 0u32..4).prop_map(|(id, seconds, passes)| Learned::new(id.into(), seconds, passes));
    prop::collection::vec(one, 0..6)
}
