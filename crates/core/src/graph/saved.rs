//! Reads a workflow in API format in any of the forms in which programs save it.

use serde_json::{Map, Value};

use super::is_node;
use crate::{Error, ErrorKind, repair_with};

/// Placeholder for a number that JSON can't represent. It starts with NUL, which no real text contains.
const NOT_A_NUMBER: &str = "\0NaN";
/// The same, as a JSON string.
const NOT_A_NUMBER_JSON: &str = r#""\u0000NaN""#;

/// Maximum nesting depth of the nodes: in a history entry they are on the fourth level.
const DEEPEST: usize = 6;
/// Maximum number of list items to search: in a history entry the nodes are in the third.
const FIRST: usize = 8;

/// The keys that hold a workflow, in order of preference: `prompt` in requests to a server, in images and in
/// RunningHub's `getJsonApiFormat`; `workflow` and `input` in requests to hosted workers; `data` in RunningHub's
/// responses. Others, such as the editor's own `output`, come after them.
const KEYS: [&str; 4] = ["prompt", "workflow", "input", "data"];

/// Reads the nodes of a workflow in API format: bare, or wrapped in a request, a response, a history entry or the
/// metadata of an image, as an object or as text.
///
/// Python writes numbers that JSON doesn't have, such as `NaN`. They become placeholders, which [`is_not_a_number`]
/// recognizes.
///
/// # Errors
/// When the text isn't JSON, contains no workflow, a workflow without nodes, or only one in the editor's format
/// ([`ErrorKind::UiFormat`]).
pub fn saved_nodes(text: &str) -> Result<Map<String, Value>, Error> {
    let value = read(text).map_err(|error| Error::caused(ErrorKind::NotJson, error))?;
    let is_empty = value.as_object().is_some_and(Map::is_empty);
    match find(value, DEEPEST) {
        Found::Nodes(nodes) => Ok(nodes),
        Found::UiFormat(_) => Err(Error::new(ErrorKind::UiFormat)),
        Found::Nothing if is_empty => Err(Error::new(ErrorKind::Empty)),
        Found::Nothing => Err(Error::new(ErrorKind::NotAWorkflow)),
    }
}

/// The workflow in the editor's format, in any of the same forms. `None` if there is none, or if there also is one in
/// API format.
pub fn editor_workflow(text: &str) -> Option<Value> {
    match find(read(text).ok()?, DEEPEST) {
        Found::UiFormat(workflow) => Some(workflow),
        Found::Nodes(_) | Found::Nothing => None,
    }
}

/// Whether a value from [`saved_nodes`] is or contains a placeholder for `NaN`, `Infinity` or `-Infinity`.
pub fn is_not_a_number(value: &Value) -> bool {
    match value {
        Value::String(text) => text == NOT_A_NUMBER,
        Value::Array(items) => items.iter().any(is_not_a_number),
        Value::Object(fields) => fields.values().any(is_not_a_number),
        _ => false,
    }
}

fn read(text: &str) -> Result<Value, serde_json::Error> {
    let text = text.trim_start_matches('\u{feff}');
    // The text is only repaired after a parse failure.
    serde_json::from_str(text).or_else(|error| {
        repair_with(text, NOT_A_NUMBER_JSON).ok_or(error).and_then(|text| serde_json::from_str(&text))
    })
}

enum Found {
    Nodes(Map<String, Value>),
    UiFormat(Value),
    Nothing,
}

impl Found {
    /// The first workflow in API format; failing that, whether there was one in the editor's format.
    fn first(candidates: impl IntoIterator<Item = Value>, depth: usize) -> Self {
        candidates.into_iter().fold(Self::Nothing, |best, next| best.or_else(|| find(next, depth)))
    }

    /// The other one, if it is in a better format.
    fn or_else(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Nodes(_) => self,
            Self::UiFormat(_) => match other() {
                other @ Self::Nodes(_) => other,
                _ => self,
            },
            Self::Nothing => other(),
        }
    }
}

fn find(value: Value, depth: usize) -> Found {
    let Some(depth) = depth.checked_sub(1) else { return Found::Nothing };
    match value {
        Value::Object(nodes) if nodes.values().any(is_node) => Found::Nodes(nodes),
        Value::Object(mut fields) => {
            let named = KEYS.iter().filter_map(|key| fields.remove(*key)).collect::<Vec<_>>();
            let found = Found::first(named, depth);
            if fields.get("nodes").is_some_and(Value::is_array) {
                return found.or_else(|| Found::UiFormat(Value::Object(fields)));
            }
            // A history entry is keyed by its id. Of several keys that mean something else, none is searched deeply.
            let depth = if fields.len() == 1 { depth } else { 1 };
            found.or_else(|| Found::first(fields.into_iter().map(|(_, value)| value).take(FIRST), depth))
        }
        Value::Array(items) => Found::first(items.into_iter().take(FIRST), depth),
        Value::String(text) if text.trim_start().starts_with(['{', '[']) => {
            read(&text).map_or(Found::Nothing, |value| find(value, depth))
        }
        _ => Found::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn nodes() -> Value {
        json!({"3": {"class_type": "KSampler", "inputs": {"seed": 1}}})
    }

    fn ui() -> Value {
        json!({"nodes": [{"id": 3, "type": "KSampler"}], "links": [], "version": 0.4})
    }

    #[test]
    fn a_workflow_is_found_in_every_form_in_which_it_is_saved() {
        let id = "9b354dcf-8f10-4212-8b21-db4e40ce60d8";
        for saved in [
            nodes(),
            json!({"prompt": nodes(), "client_id": "me"}),
            json!({"prompt": nodes().to_string(), "workflow": ui().to_string()}),
            json!({"input": {"workflow": nodes()}}),
            json!({"workflow": nodes()}),
            json!({"code": 0, "msg": "success", "data": {"prompt": nodes().to_string()}}),
            json!({id: {"prompt": [7, id, nodes(), {"client_id": "me"}, ["3"]], "outputs": {}}}),
            json!([nodes()]),
            json!({"output": nodes(), "workflow": ui()}),
            json!({"id": "a", "workflow_api": nodes(), "workflow": ui()}),
            json!({"name": "mine", "api": nodes()}),
        ] {
            let found = saved_nodes(&saved.to_string()).expect("a workflow");
            assert_eq!(Value::Object(found), nodes(), "{saved}");
        }
        assert!(saved_nodes(&format!("\u{feff}{}", nodes())).is_ok());
    }

    #[test]
    fn a_workflow_of_the_editor_is_found_unless_there_is_one_to_run() {
        for saved in [ui(), json!({"workflow": ui()}), json!({"workflow": ui().to_string()})] {
            assert_eq!(editor_workflow(&saved.to_string()), Some(ui()), "{saved}");
        }
        let both = json!({"prompt": nodes(), "workflow": ui()});
        for other in [nodes(), both, json!({}), json!("a cat")] {
            assert_eq!(editor_workflow(&other.to_string()), None, "{other}");
        }
    }

    #[test]
    fn other_json_has_a_reason() {
        let deep = (0..1000).fold(nodes(), |inner, _| json!({"prompt": inner}));
        for (text, kind) in [
            ("{".to_owned(), ErrorKind::NotJson),
            (String::new(), ErrorKind::NotJson),
            ("{}".to_owned(), ErrorKind::Empty),
            ("[]".to_owned(), ErrorKind::NotAWorkflow),
            (json!({"prompt": "a cat"}).to_string(), ErrorKind::NotAWorkflow),
            (json!({"prompt": {}}).to_string(), ErrorKind::NotAWorkflow),
            (ui().to_string(), ErrorKind::UiFormat),
            (json!({"workflow": ui()}).to_string(), ErrorKind::UiFormat),
            // A run that sets something else than the graph says.
            (json!({"submit": {"graph": nodes()}, "version": 1}).to_string(), ErrorKind::NotAWorkflow),
            // The parser itself limits the depth.
            (deep.to_string(), ErrorKind::NotJson),
        ] {
            let error = saved_nodes(&text).expect_err("no workflow");
            assert_eq!(error.kind(), kind, "{}", text.chars().take(80).collect::<String>());
        }
    }

    #[test]
    fn numbers_that_json_cannot_hold_are_recognized() {
        let text = r#"{"3": {"class_type": "A", "is_changed": [NaN], "inputs": {"a": -Infinity, "b": "NaN", "c": null}}}"#;
        let nodes = saved_nodes(text).expect("a workflow");
        let node = nodes.get("3").expect("the node");
        let marked = ["is_changed", "inputs"].map(|field| is_not_a_number(&node[field]));
        assert_eq!(marked, [true, true]);
        let inputs = ["a", "b", "c"].map(|input| is_not_a_number(&node["inputs"][input]));
        assert_eq!(inputs, [true, false, false]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[\\[\\]{}\",:a-z0-9NI]{0,80}") {
            drop(saved_nodes(&text));
        }
    }
}
