//! Validates a prompt before it is queued.

use serde_json::{Map, Value, json};

use super::{improvise, state::State};
use crate::{
    json::python,
    scenario::{link, needed},
};

/// A workflow that can run, with the errors of its invalid nodes.
pub(crate) struct Valid {
    pub(crate) outputs: Vec<String>,
    pub(crate) node_errors: Value,
}

/// Checks a workflow; an error is the response body with HTTP 400.
pub(crate) fn check(
    state: &State,
    workflow: &Map<String, Value>,
    uploads: &[String],
) -> Result<Valid, Value> {
    // A recorded workflow counts as valid.
    if let Some(scenario) = improvise::recorded(state, workflow) {
        let outputs = scenario.outputs_to_execute.clone();
        return Ok(Valid { outputs, node_errors: scenario.node_errors.clone() });
    }
    let mut outputs = Vec::new();
    for (id, node) in workflow {
        let Some(class) = node["class_type"].as_str() else {
            let message = format!("Cannot execute because node {id} has no class_type");
            return Err(refusal("invalid_prompt", &message, &format!("Node ID '#{id}'"), &json!({})));
        };
        if !state.classes.is_known(class) {
            let message = format!("Node '{class}' not found. The custom node may not be installed.");
            let extra = json!({"node_id": id, "class_type": class, "node_title": class});
            return Err(refusal("missing_node_type", &message, &format!("Node ID '#{id}'"), &extra));
        }
        if state.classes.is_output(class) {
            outputs.push(id.clone());
        }
    }
    if outputs.is_empty() {
        return Err(refusal("prompt_no_outputs", "Prompt has no outputs", "", &json!({})));
    }
    let (mut good, mut node_errors) = (Vec::new(), Map::new());
    for output in outputs {
        let mut bad = false;
        for id in needed(workflow, &output) {
            let errors = node_errors_of(state, workflow, &id, uploads);
            if errors.is_empty() {
                continue;
            }
            bad = true;
            let class = &workflow[&id]["class_type"];
            let entry = node_errors
                .entry(id)
                .or_insert_with(|| json!({"errors": errors, "dependent_outputs": [], "class_type": class}));
            if let Some(list) = entry["dependent_outputs"].as_array_mut() {
                list.push(json!(output));
            }
        }
        if !bad {
            good.push(output);
        }
    }
    if good.is_empty() {
        let mut body =
            refusal("prompt_outputs_failed_validation", "Prompt outputs failed validation", "", &json!({}));
        body["node_errors"] = Value::Object(node_errors);
        return Err(body);
    }
    Ok(Valid { outputs: good, node_errors: Value::Object(node_errors) })
}

pub(crate) fn refusal(kind: &str, message: &str, details: &str, extra_info: &Value) -> Value {
    let error = json!({"type": kind, "message": message, "details": details, "extra_info": extra_info});
    json!({"error": error, "node_errors": {}})
}

fn node_errors_of(state: &State, workflow: &Map<String, Value>, id: &str, uploads: &[String]) -> Vec<Value> {
    let node = &workflow[id];
    let class = node["class_type"].as_str().unwrap_or_default();
    let mut errors = Vec::new();
    for (name, spec) in state.classes.required(class) {
        let value = &node["inputs"][&name];
        let mut error = |kind: &str, message: &str, details: String, extra: Value| {
            let mut extra_info = json!({"input_name": name, "input_config": spec});
            if let (Some(all), Some(more)) = (extra_info.as_object_mut(), extra.as_object()) {
                all.extend(more.clone());
            }
            errors.push(
                json!({"type": kind, "message": message, "details": details, "extra_info": extra_info}),
            );
        };
        if value.is_null() {
            error("required_input_missing", "Required input is missing", name.clone(), json!({}));
        } else if let Some(source) = link(value) {
            if !workflow.contains_key(source) {
                error(
                    "exception_during_validation",
                    "Exception when validating node",
                    format!("'{source}'"),
                    json!({}),
                );
            }
        } else if let Some(choices) = spec[0].as_array() {
            let choices: Vec<Value> = if class == "LoadImage" {
                uploads.iter().map(|name| json!(name)).collect()
            } else {
                choices.clone()
            };
            if class == "LoadImage" && !choices.contains(value) {
                let shown = value.as_str().unwrap_or_default();
                let details = format!("image - Invalid image file: {shown}");
                let extra = json!({"received_value": value});
                error("custom_validation_failed", "Custom validation failed for node", details, extra);
            } else if !choices.contains(value) {
                let details = format!("{name}: {value} not in {}", python(&Value::Array(choices)));
                error("value_not_in_list", "Value not in list", details, json!({"received_value": value}));
            }
        } else if let (Some(min), Some(number)) = (spec[1]["min"].as_f64(), value.as_f64())
            && number < min
        {
            let message = format!("Value {value} smaller than min of {}", spec[1]["min"]);
            error("value_smaller_than_min", &message, name.clone(), json!({"received_value": value}));
        }
    }
    errors
}
