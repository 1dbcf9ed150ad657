//! Prepares a saved workflow for sending: only nodes, in a form that a server can read.

use runninghub_core::{Node, NodeError, NodeId, Plan, is_not_a_number, link, saved_nodes, say};
use serde_json::{Map, Value};

use super::{Workflow, place_of};
use crate::Error;

/// The nodes of a saved workflow, and the keys that are left out because they are no nodes.
pub(super) fn read(text: &str) -> Result<(Map<String, Value>, Vec<String>), Error> {
    let (mut nodes, mut left_out) = (Map::new(), Vec::new());
    for (id, mut value) in saved_nodes(text)? {
        let Some(node) = value.as_object_mut().filter(|node| is_meant_as_node(node)) else {
            left_out.push(id);
            continue;
        };
        let Some(class) = node.get("class_type").and_then(Value::as_str).map(str::to_owned) else {
            let what = say!("node `{id}` has no `class_type`", id = &*id);
            let error = NodeError::new(id.into(), "missing_class_type", what.to_string());
            return Err(Error::usage(what)
                .of_nodes(vec![error])
                .with_hint(say!("export the workflow again or remove the node")));
        };
        // A server recomputes it. In metadata of images it is often `NaN`.
        node.remove("is_changed");
        let inputs = node.entry("inputs").or_insert_with(|| Map::new().into());
        if let Some(field) = inputs.as_object().and_then(not_a_number) {
            let id = NodeId::from(id.as_str());
            let what = say!("`{place}` is not a number", place = place_of(&id, field));
            let error = NodeError::new(id, "invalid_number", what.to_string()).at(&class, Some(field));
            return Err(Error::usage(what)
                .of_nodes(vec![error])
                .with_hint(say!("JSON has no `NaN` or `Infinity`: replace it with a number in the file")));
        }
        node.retain(|_, value| !is_not_a_number(value));
        nodes.insert(id, value);
    }
    Ok((nodes, left_out))
}

/// The nodes of a workflow that a platform keeps, with nothing in place of what JSON doesn't have.
pub(super) fn saved(text: &str) -> Result<Map<String, Value>, runninghub_core::Error> {
    let mut nodes = saved_nodes(text)?;
    nodes.retain(|_, node| node.get("class_type").is_some_and(Value::is_string));
    for node in nodes.values_mut().filter_map(Value::as_object_mut) {
        node.retain(|_, value| value.is_object() || !is_not_a_number(value));
        let inputs = node.entry("inputs").or_insert_with(|| Map::new().into());
        for value in inputs.as_object_mut().into_iter().flat_map(Map::values_mut) {
            if is_not_a_number(value) {
                *value = Value::Null;
            }
        }
    }
    Ok(nodes)
}

/// A comment or a version next to the nodes has none of a node's keys.
fn is_meant_as_node(value: &Map<String, Value>) -> bool {
    value.contains_key("class_type") || value.contains_key("inputs")
}

fn not_a_number(inputs: &Map<String, Value>) -> Option<&str> {
    inputs.iter().find(|(_, value)| is_not_a_number(value)).map(|(field, _)| field.as_str())
}

/// Checks that the nodes that run take their inputs from nodes of the workflow. A server would refuse the workflow, or fail
/// while it runs.
pub(crate) fn links(workflow: &Workflow) -> Result<(), Error> {
    let graph = workflow.graph();
    let plan = Plan::new(graph, &[]);
    let runs = |node: &&Node| {
        let position = plan.position(node.id.as_str());
        position.and_then(|at| plan.nodes().get(at)).is_some_and(|node| node.required)
    };
    let dangling = graph.nodes().iter().filter(runs).flat_map(|node| {
        let links = node.inputs.iter().filter_map(|(input, value)| Some((input, link(value)?)));
        let missing = links.filter(|(_, source)| graph.node(source.as_str()).is_none());
        missing.map(move |(input, source)| (node, input, source))
    });
    let all = dangling.map(|(node, input, source)| {
        let what = say!(
            "node `{node}` ({name}) takes `{input}` from node `{source}`, which is not in the workflow",
            node = &node.id,
            name = &node.name(),
            input,
            source = &source
        );
        Error::usage(what).of_input(node, input, "dangling_link").with_hint(say!(
            "node `{source}` was probably bypassed or muted when the workflow was exported: enable it and export again",
            source = &source
        ))
    });
    let mut all: Vec<_> = all.collect();
    let node_errors = all.iter().flat_map(|error| error.node_errors().to_vec()).collect();
    if all.is_empty() { Ok(()) } else { Err(all.swap_remove(0).of_nodes(node_errors)) }
}

/// The outputs of a workflow if all of them only show a preview: then nothing is saved.
pub(crate) fn previews_only(workflow: &Workflow) -> Option<Vec<NodeId>> {
    let nodes = workflow.graph().nodes();
    let feeds = |id: &NodeId| nodes.iter().any(|user| user.links().any(|source| source == *id));
    // Loaders that feed nothing are leftovers.
    let is_output = |node: &&Node| !feeds(&node.id) && !node.class_type.raw().contains("Load");
    let outputs: Vec<_> = nodes.iter().filter(is_output).collect();
    let are_previews = outputs.iter().all(|node| node.class_type.raw().contains("Preview"));
    (are_previews && !outputs.is_empty()).then(|| outputs.iter().map(|node| node.id.clone()).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_nodes_are_sent_and_only_json() {
        let text = r#"{"3": {"class_type": "A", "is_changed": [NaN], "inputs": {"x": 1}}, "4": {"class_type": "B"},
                       "_comment": "mine", "version": 1, "extra": {"ds": {"scale": NaN}}}"#;
        let workflow = Workflow::parse(text).expect("a workflow");
        let sent: Value = serde_json::from_str(&workflow.text()).expect("strict JSON");
        assert_eq!(
            sent,
            json!({"3": {"class_type": "A", "inputs": {"x": 1}}, "4": {"class_type": "B", "inputs": {}}})
        );
        assert_eq!(workflow.left_out(), ["_comment", "version", "extra"]);
    }

    #[test]
    fn a_workflow_that_the_platform_keeps_is_read_whatever_is_in_it() {
        let text = r#"{"3": {"class_type": "A", "is_changed": NaN, "inputs": {"cfg": NaN, "steps": 4}},
                       "4": {"inputs": {"text": "no class"}}, "5": {"class_type": "B"}, "version": 1}"#;
        let workflow = Workflow::saved(text).expect("a workflow");
        let sent: Value = serde_json::from_str(&workflow.text()).expect("strict JSON");
        assert_eq!(
            sent,
            json!({"3": {"class_type": "A", "inputs": {"cfg": null, "steps": 4}},
                   "5": {"class_type": "B", "inputs": {}}})
        );
        assert!(workflow.check("3", "cfg", json!(7.5)).is_ok());
        let error = Workflow::saved("{}").expect_err("empty");
        assert!(error.hint().is_some_and(|hint| hint.text().contains("website")), "{error:?}");
    }

    #[test]
    fn a_node_that_cannot_run_is_named() {
        for (text, message) in [
            (r#"{"3": {"class_type": "A", "inputs": {"cfg": NaN}}}"#, "`3.cfg` is not a number"),
            (r#"{"3": {"class_type": "A", "inputs": {"l": [1, -Infinity]}}}"#, "`3.l` is not a number"),
            (r#"{"3": {"class_type": "A"}, "4": {"inputs": {"a": 1}}}"#, "node `4` has no `class_type`"),
        ] {
            let error = Workflow::parse(text).expect_err(message);
            assert_eq!(error.to_string(), message);
            assert!(error.hint().is_some());
        }
    }

    #[test]
    fn a_link_to_a_missing_node_is_named_if_the_node_runs() {
        let workflow = |leftover: bool| {
            let mut graph = json!({
                "1": {"class_type": "EmptyImage", "inputs": {"width": 64}},
                "2": {"class_type": "ImageInvert", "inputs": {"image": ["11", 0]}, "_meta": {"title": "Invert"}},
                "3": {"class_type": "SaveImage", "inputs": {"images": [if leftover { "1" } else { "2" }, 0]}},
            });
            if leftover {
                // It feeds nothing but another such node, and neither is an output.
                graph["4"] = json!({"class_type": "ImageInvert", "inputs": {"image": ["2", 0]}});
                graph["2"]["inputs"]["mask"] = json!(["4", 0]);
            }
            Workflow::parse(graph.to_string()).expect("a workflow")
        };
        let error = links(&workflow(false)).expect_err("node 11 is missing");
        assert_eq!(
            error.to_string(),
            "node `2` (Invert) takes `image` from node `11`, which is not in the workflow"
        );
        links(&workflow(true)).expect("nodes 2 and 4 do not run");
    }

    #[test]
    fn a_workflow_that_only_previews_is_recognized() {
        let of = |classes: &[&str]| {
            let mut graph = json!({"1": {"class_type": "EmptyImage", "inputs": {}}});
            for (at, class) in classes.iter().enumerate() {
                graph[(at + 2).to_string()] = json!({"class_type": class, "inputs": {"images": ["1", 0]}});
            }
            previews_only(&Workflow::parse(graph.to_string()).expect("a workflow")).map(|ids| ids.len())
        };
        assert_eq!(of(&["PreviewImage", "MaskPreview+"]), Some(2));
        assert_eq!(of(&["PreviewImage", "LoadImage"]), Some(1));
        assert_eq!(of(&["PreviewImage", "SaveImage"]), None);
        assert_eq!(of(&[]), None);
    }
}
