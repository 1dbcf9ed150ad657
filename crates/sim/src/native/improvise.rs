//! The run of a prompt: the recorded one of its workflow, or else an improvised one.

use serde_json::{Map, Value};

use super::{queue::Prompt, state::State};
use crate::Scenario;

pub(crate) fn recorded<'s>(state: &'s State, workflow: &Map<String, Value>) -> Option<&'s Scenario> {
    state.settings.scenarios.iter().find(|scenario| scenario.is_of(workflow))
}

pub(crate) fn scenario(state: &State, prompt: &Prompt) -> Scenario {
    let made_up = || {
        let file = |class: &str, node: &Value| file_name(state, class, node);
        Scenario::improvised(&prompt.id, &prompt.workflow, &prompt.outputs, state.settings.previews, file)
    };
    recorded(state, &prompt.workflow).cloned().unwrap_or_else(made_up)
}

/// Numbered like on a real server: each prefix separately.
fn file_name(state: &State, class: &str, node: &Value) -> String {
    let prefix = node["inputs"]["filename_prefix"].as_str().unwrap_or("ComfyUI");
    let prefix = if class == "PreviewImage" { "ComfyUI_temp_abcde" } else { prefix };
    let mut inner = state.lock();
    let number = inner.numbers.entry(prefix.to_owned()).or_default();
    *number += 1;
    format!("{prefix}_{number:05}_.png")
}
