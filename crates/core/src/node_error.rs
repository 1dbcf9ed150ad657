//! Problems of single nodes, for which a server refuses a workflow or some of its outputs.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{NodeId, Sentence, Untrusted, say};

/// Maximum length of details in a message, in characters: some list every model of the server.
const DETAILS_SHOWN: usize = 120;
/// Maximum length of a text, in characters.
const KEPT: usize = 2_000;

/// A problem of a node in a workflow that was refused.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct NodeError {
    /// The node.
    pub node_id: NodeId,
    /// Its class.
    pub node: Option<Untrusted>,
    /// ComfyUI's name of the problem, for example `value_not_in_list`.
    #[serde(rename = "type")]
    pub problem: Option<Untrusted>,
    /// What is wrong.
    pub message: Option<Untrusted>,
    /// More about it, usually the input with its value; at most 2,000 characters.
    pub details: Option<Untrusted>,
    /// The input.
    pub input: Option<Untrusted>,
    /// The value of the input, if it was text or a number.
    pub received: Option<Untrusted>,
    /// The most similar of the values that the input takes, best first.
    pub suggestions: Vec<String>,
}

impl NodeError {
    /// A problem of a node.
    pub fn new(node_id: NodeId, problem: &str, message: impl Into<String>) -> Self {
        Self {
            node_id,
            node: None,
            problem: text(Some(problem)),
            message: text(Some(&message.into())),
            details: None,
            input: None,
            received: None,
            suggestions: Vec::new(),
        }
    }

    /// With the node's class and the input.
    #[must_use]
    pub fn at(self, class: &str, input: Option<&str>) -> Self {
        Self { node: text(Some(class)), input: text(input), ..self }
    }

    /// Reads an entry of ComfyUI's `node_errors`: an object with a list of `errors`. Anything else is one message.
    pub fn read(node_id: &NodeId, entry: &Value) -> Vec<Self> {
        let class = entry["class_type"].as_str();
        let one = |value: &Value| {
            let field = |name: &str| value.get(name).and_then(Value::as_str);
            let extra = &value["extra_info"];
            let new = Self::new(node_id.clone(), field("type").unwrap_or_default(), "");
            let known = Self {
                node: text(class),
                message: text(field("message")),
                details: text(field("details")),
                input: text(extra["input_name"].as_str()),
                received: match &extra["received_value"] {
                    Value::String(value) => text(Some(value)),
                    Value::Number(value) => text(Some(&value.to_string())),
                    _ => None,
                },
                ..new
            };
            let is_known = known.message.is_some() || known.details.is_some();
            let whole = || Self { message: text(Some(&scalar(value))), ..known.clone() };
            if is_known { known } else { whole() }
        };
        match entry["errors"].as_array().filter(|errors| !errors.is_empty()) {
            Some(errors) => errors.iter().map(one).collect(),
            None => vec![one(entry)],
        }
    }

    /// Reads ComfyUI's `node_errors`, with long texts cut. Without errors it is an empty object, or an empty list in old
    /// servers.
    pub fn read_all(value: &Value) -> Vec<Self> {
        let nodes = value.as_object().into_iter().flatten();
        let errors = nodes.flat_map(|(node, entry)| Self::read(&node.as_str().into(), entry));
        errors.map(|error| error.map(|text| text.chars().take(KEPT).collect::<String>().into())).collect()
    }

    /// The errors as messages, one for each node.
    pub fn sentences(errors: &[Self]) -> impl Iterator<Item = Sentence> {
        errors.chunk_by(|one, next| one.node_id == next.node_id).filter_map(|all| {
            let first = all.first()?;
            let errors = all.iter().map(Self::describe).collect::<Vec<_>>().join(", ");
            let node = &first.node_id;
            Some(match &first.node {
                Some(class) => say!("node {node} ({class}): {errors}", node, class, errors),
                None => say!("node {node}: {errors}", node, errors),
            })
        })
    }

    /// The same error with every text from the server replaced.
    #[must_use]
    pub fn map(self, change: impl Fn(&str) -> Untrusted) -> Self {
        let changed = |text: Option<Untrusted>| text.map(|text| change(text.raw()));
        Self {
            node: changed(self.node),
            problem: changed(self.problem),
            message: changed(self.message),
            details: changed(self.details),
            input: changed(self.input),
            received: changed(self.received),
            ..self
        }
    }

    /// The server's message with its details.
    fn describe(&self) -> String {
        let raw = |text: &Option<Untrusted>| text.as_ref().map_or("", Untrusted::raw).to_owned();
        let (message, details) = (raw(&self.message), raw(&self.details));
        if details.is_empty() || message.is_empty() {
            return message + &details;
        }
        let short: String = details.chars().take(DETAILS_SHOWN).collect();
        let more = if short.len() < details.len() { "…" } else { "" };
        format!("{message} ({short}{more})")
    }
}

/// A text that is not empty.
fn text(text: Option<&str>) -> Option<Untrusted> {
    text.map(str::trim).filter(|text| !text.is_empty()).map(Untrusted::from)
}

fn scalar(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn sentences(value: &Value) -> Vec<String> {
        NodeError::sentences(&NodeError::read_all(value)).map(|sentence| sentence.to_string()).collect()
    }

    #[test]
    fn each_node_has_its_errors() {
        let value = json!({
            "4": {"class_type": "CheckpointLoaderSimple", "dependent_outputs": ["9"], "errors": [{
                "type": "value_not_in_list", "message": "Value not in list", "details": "ckpt_name: 'x' not in []",
                "extra_info": {"input_name": "ckpt_name", "received_value": "x"},
            }]},
            "5": {"errors": [{"message": "too small"}, {"details": "width"}, "odd", {"what": 1}]},
            "6": "broken",
        });
        let errors = NodeError::read_all(&value);
        assert_eq!(
            errors.iter().map(|error| error.node_id.as_str()).collect::<Vec<_>>(),
            ["4", "5", "5", "5", "5", "6"]
        );
        let first = serde_json::to_value(&errors[0]).expect("JSON");
        assert_eq!(
            first,
            json!({"node_id": "4", "node": "CheckpointLoaderSimple", "type": "value_not_in_list",
                "message": "Value not in list", "details": "ckpt_name: 'x' not in []", "input": "ckpt_name",
                "received": "x", "suggestions": []})
        );
        assert_eq!(
            sentences(&value),
            [
                "node 4 (CheckpointLoaderSimple): Value not in list (ckpt_name: 'x' not in [])",
                r#"node 5: too small, width, odd, {"what":1}"#,
                "node 6: broken",
            ]
        );
        assert!(sentences(&json!([])).is_empty());
    }

    #[test]
    fn a_list_of_models_is_cut() {
        let value = json!({"4": {"errors": [{"message": "no", "details": "m".repeat(9_000)}]}});
        assert_eq!(NodeError::read_all(&value)[0].details.as_ref().expect("details").raw().len(), KEPT);
        assert!(sentences(&value)[0].len() < 150);
    }

    proptest! {
        #[test]
        fn anything_is_read(entry in ".*", key in ".*") {
            let value: Value = serde_json::from_str(&entry).unwrap_or_else(|_| json!({ key: entry }));
            sentences(&value);
            sentences(&json!({ "1": value }));
        }
    }
}
