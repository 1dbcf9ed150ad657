//! A run for a workflow that nobody has recorded.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{queue::Prompt, state::State, validate::needed};
use crate::{Scenario, ScriptNode};

/// How long a node without steps takes, and a step.
const NODE: Duration = Duration::from_millis(20);
const STEP: Duration = Duration::from_millis(25);
/// More steps than this are not waited for.
const MOST_STEPS: u64 = 50;

/// The scenario with the same nodes: ids and classes.
pub(crate) fn recorded<'s>(state: &'s State, workflow: &Map<String, Value>) -> Option<&'s Scenario> {
    state.settings.scenarios.iter().find(|scenario| {
        scenario.workflow.len() == workflow.len()
            && scenario.workflow.iter().all(|(id, node)| {
                workflow.get(id).is_some_and(|other| other["class_type"] == node["class_type"])
            })
    })
}

/// What was recorded of the workflow, else something made up.
pub(crate) fn scenario(state: &State, prompt: &Prompt) -> Scenario {
    recorded(state, &prompt.workflow).cloned().unwrap_or_else(|| script(state, prompt))
}

fn script(state: &State, prompt: &Prompt) -> Scenario {
    let mut order: Vec<String> = Vec::new();
    for output in &prompt.outputs {
        let fresh = needed(&prompt.workflow, output).into_iter().filter(|id| !order.contains(id));
        order.extend(fresh.collect::<Vec<_>>());
    }
    let mut script = Scenario::script(prompt.id.clone());
    for id in order {
        let node = &prompt.workflow[&id];
        let class = node["class_type"].as_str().unwrap_or_default();
        let mut one = ScriptNode::new(&*id, class).takes(NODE);
        for (name, value) in node["inputs"].as_object().into_iter().flatten() {
            one = one.input(name, value.clone());
        }
        if let Some(steps) = node["inputs"]["steps"].as_u64() {
            let steps = u32::try_from(steps.clamp(1, MOST_STEPS)).unwrap_or(1);
            one = one.steps(steps).takes(STEP * steps).previews();
        }
        if state.classes.is_output(class) {
            one = one.saves(file_name(state, class, node));
        }
        script = script.node(one);
    }
    script.build()
}

/// As the server counts: each prefix by itself.
fn file_name(state: &State, class: &str, node: &Value) -> String {
    let prefix = node["inputs"]["filename_prefix"].as_str().unwrap_or("ComfyUI");
    let prefix = if class == "PreviewImage" { "ComfyUI_temp_abcde" } else { prefix };
    let mut inner = state.lock();
    let number = inner.numbers.entry(prefix.to_owned()).or_default();
    *number += 1;
    format!("{prefix}_{number:05}_.png")
}
