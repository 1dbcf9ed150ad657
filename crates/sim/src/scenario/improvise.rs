//! Runs for workflows without a recording.

use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use serde_json::{Map, Value};

use super::{Scenario, ScriptNode};

/// The duration of a node without steps, and of a step.
const NODE: Duration = Duration::from_millis(20);
const STEP: Duration = Duration::from_millis(25);
/// Maximum number of steps that take time.
const MOST_STEPS: u64 = 50;
/// Maximum number of rounds of a loop.
const MOST_ROUNDS: u64 = 20;

impl Scenario {
    /// Whether it is a run of this workflow: the same ids and classes.
    pub(crate) fn is_of(&self, workflow: &Map<String, Value>) -> bool {
        self.workflow.len() == workflow.len()
            && self.workflow.iter().all(|(id, node)| {
                workflow.get(id).is_some_and(|other| other["class_type"] == node["class_type"])
            })
    }

    /// Generates a run of a workflow: all nodes that the output nodes need, one after the other. `file` returns the
    /// name of an output node's file, from its class and the node itself.
    pub(crate) fn improvised(
        name: &str,
        workflow: &Map<String, Value>,
        outputs: &[String],
        previews: bool,
        mut file: impl FnMut(&str, &Value) -> String,
    ) -> Self {
        let mut order: Vec<String> = Vec::new();
        for output in outputs {
            let fresh = needed(workflow, output).into_iter().filter(|id| !order.contains(id));
            order.extend(fresh.collect::<Vec<_>>());
        }
        let loops = loops(workflow);
        let mut script = Self::script(name);
        for id in order {
            let node = &workflow[&id];
            let class = node["class_type"].as_str().unwrap_or_default();
            let mut one = ScriptNode::new(&*id, class).takes(NODE);
            for (name, value) in node["inputs"].as_object().into_iter().flatten() {
                one = one.input(name, value.clone());
            }
            if let Some(steps) = node["inputs"]["steps"].as_u64() {
                let steps = u32::try_from(steps.clamp(1, MOST_STEPS)).unwrap_or(1);
                one = one.steps(steps).takes(STEP * steps);
                if previews {
                    one = one.previews();
                }
            }
            if outputs.contains(&id) {
                one = one.saves(file(class, node));
            }
            if loops.iter().any(|one| one.start == id) {
                one = one.rounds(rounds(node));
            }
            if let Some(inside) = loops.iter().find(|one| one.body.contains(&id)) {
                one = one.looped_by(&*inside.start);
            }
            script = script.node(one);
        }
        script.build()
    }
}

/// A native loop of a workflow: between its start and its end.
struct Loop {
    start: String,
    body: Vec<String>,
}

/// The loops of a workflow, by the names of their classes (`StartLoop`, `EndLoop`).
fn loops(workflow: &Map<String, Value>) -> Vec<Loop> {
    let ends: Vec<_> = of_loops(workflow, "end").map(|end| (end, needed(workflow, end))).collect();
    let body = |start: &String| -> Vec<String> {
        let inside = ends.iter().filter(|(_, above)| above.contains(start));
        let all = inside.flat_map(|(end, above)| above.iter().filter(move |id| id != end));
        all.filter(|id| *id != start && needed(workflow, id).contains(start)).cloned().collect()
    };
    of_loops(workflow, "start").map(|start| Loop { start: start.clone(), body: body(start) }).collect()
}

/// The nodes that begin or end a loop.
fn of_loops<'a>(workflow: &'a Map<String, Value>, word: &str) -> impl Iterator<Item = &'a String> {
    workflow
        .iter()
        .filter(move |(_, node)| {
            let class = node["class_type"].as_str().unwrap_or_default().to_lowercase();
            class.contains("loop") && class.contains(word)
        })
        .map(|(id, _)| id)
}

/// The number of rounds that a loop's start requests, up to the simulator's limit.
fn rounds(start: &Value) -> u32 {
    let rounds = start["inputs"].as_object().into_iter().flatten().find_map(|(_, value)| value.as_u64());
    u32::try_from(rounds.unwrap_or(3).clamp(1, MOST_ROUNDS)).unwrap_or(1)
}

/// The nodes that no other node uses: the likely outputs of the graph.
pub(crate) fn last_nodes(workflow: &Map<String, Value>) -> Vec<String> {
    let taken: HashSet<String> = workflow.values().flat_map(links).collect();
    workflow.keys().filter(|id| !taken.contains(*id)).cloned().collect()
}

/// A node and all its dependencies, each after its own dependencies.
pub(crate) fn needed(workflow: &Map<String, Value>, output: &str) -> Vec<String> {
    let (mut order, mut seen) = (Vec::new(), HashSet::new());
    let mut open = vec![(output.to_owned(), false)];
    while let Some((id, is_done)) = open.pop() {
        if is_done {
            order.push(id);
        } else if workflow.contains_key(&id) && seen.insert(id.clone()) {
            let sources: BTreeSet<_> = links(&workflow[&id]).collect();
            open.push((id, true));
            open.extend(sources.into_iter().rev().map(|source| (source, false)));
        }
    }
    order
}

fn links(node: &Value) -> impl Iterator<Item = String> + '_ {
    let inputs = node["inputs"].as_object().into_iter().flatten();
    inputs.filter_map(|(_, value)| link(value)).map(str::to_owned)
}

/// The node that an input comes from.
pub(crate) fn link(value: &Value) -> Option<&str> {
    match value.as_array()?.as_slice() {
        [Value::String(id), Value::Number(_)] => Some(id),
        _ => None,
    }
}
