//! A workflow and its settable fields.

mod embedded;
mod fit;
mod intake;

use std::fmt::Display;

use runninghub_core::{Graph, Node, NodeId, Sentence, half_width, link, say};
use serde_json::{Map, Value};

pub use self::embedded::embedded_workflow;
use self::fit::{fit, is_drawn, is_negative_seed, written};
pub(crate) use self::intake::{links, previews_only};
use crate::{Error, ErrorKind};

/// Maximum number of nodes listed in a hint, which should fit on a few lines.
const MOST_NAMES: usize = 12;

/// A workflow in API format.
#[derive(Clone, Debug)]
pub struct Workflow {
    nodes: Map<String, Value>,
    graph: Graph,
    left_out: Vec<String>,
}

/// A changed field, checked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Override {
    pub(crate) node: NodeId,
    pub(crate) field: String,
    pub(crate) value: Value,
}

impl Override {
    /// Whether both change the same field.
    pub(crate) fn is_same_field(&self, other: &Self) -> bool {
        (&self.node, &self.field) == (&other.node, &other.field)
    }
}

impl Workflow {
    /// Reads a workflow in any of the forms of [`saved_nodes`](runninghub_core::saved_nodes). Keys that are no nodes are
    /// left out, and so is `is_changed`, which servers compute.
    ///
    /// # Errors
    /// When the text is not a workflow in API format, a node has no class, or an input is not a number (`NaN`).
    pub fn parse(text: impl AsRef<str>) -> Result<Self, Error> {
        let (nodes, left_out) = intake::read(text.as_ref())?;
        let graph = Graph::of(nodes.clone())?;
        Ok(Self { nodes, graph, left_out })
    }

    /// Reads a workflow that the platform keeps. It runs there whatever else is in it, so only the nodes count, and inputs
    /// that are not a number are empty.
    ///
    /// # Errors
    /// When there is no workflow in the text.
    pub(crate) fn saved(text: &str) -> Result<Self, Error> {
        let nodes = intake::saved(text).and_then(|nodes| Ok((Graph::of(nodes.clone())?, nodes)));
        let (graph, nodes) = nodes.map_err(|error| {
            Error::new(ErrorKind::Refused, say!("the saved workflow cannot be used"))
                .with_source(error)
                .with_hint(say!(
                    "open the workflow on the website, save it, and run it there once until it succeeds"
                ))
        })?;
        Ok(Self { nodes, graph, left_out: Vec::new() })
    }

    /// Its nodes.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Its JSON, in the form to send.
    pub fn text(&self) -> String {
        self.with([])
    }

    /// The keys of the text that are no nodes, and are not sent.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// Finds the node with this id, or else the only one with this title.
    ///
    /// # Errors
    /// When no node matches, or several have the title.
    pub fn find(&self, name: &str) -> Result<&Node, Error> {
        if let Some(node) = self.graph.node(name) {
            return Ok(node);
        }
        let mut named = self.graph.nodes().iter().filter(|node| node.name().raw() == name);
        match (named.next(), named.next()) {
            (Some(node), None) => Ok(node),
            (Some(first), Some(second)) => Err(Error::usage(say!("several nodes are named `{name}`", name))
                .with_hint(say!(
                    "use an id: `{first}`, `{second}`, …",
                    first = &first.id,
                    second = &second.id
                ))),
            (None, _) => {
                let names = self
                    .graph
                    .nodes()
                    .iter()
                    .flat_map(|node| [node.id.to_string(), node.name().raw().to_owned()]);
                let nodes = self.graph.nodes().iter().take(MOST_NAMES);
                let nodes: Vec<_> =
                    nodes.map(|node| format!("`{}` ({})", node.id.as_str(), node.name().raw())).collect();
                let rest = if self.graph.nodes().len() > nodes.len() { ", …" } else { "" };
                let otherwise = say!("nodes: {nodes}", nodes = nodes.join(", ") + rest);
                Err(Error::usage(say!("the workflow has no node `{name}`", name))
                    .with_hint(suggest(name, names, otherwise)))
            }
        }
    }

    /// The node and the field of a name such as `6.text`. Ids, titles and field names may contain dots too: if a
    /// reading names an existing field it is used, otherwise the name is split at the last dot.
    ///
    /// # Errors
    /// When the name does not have two parts.
    pub(crate) fn place<'a>(&self, name: &'a str) -> Result<(&'a str, &'a str), Error> {
        let readings = name.rmatch_indices('.').filter_map(|(at, _)| {
            let (node, field) = (name.get(..at)?, name.get(at + 1..)?);
            (!node.is_empty() && !field.is_empty()).then_some((node, field))
        });
        let exists =
            |(node, field): &(&str, &str)| self.find(node).is_ok_and(|node| node.inputs.contains_key(*field));
        readings.clone().find(exists).or_else(|| readings.clone().next()).ok_or_else(|| {
            Error::usage(say!("`{name}` is not a node and a field", name))
                .with_hint(say!("give the node's id and the field, as in `6.text`"))
        })
    }

    /// The current value of a settable field.
    ///
    /// # Errors
    /// When the node or the field does not exist, or the field is fed by another node.
    pub(crate) fn field(&self, node: &str, field: &str) -> Result<&Value, Error> {
        let node = self.find(node)?;
        let Some(old) = node.inputs.get(field) else {
            let fields =
                node.inputs.iter().filter(|(_, value)| link(value).is_none()).map(|(name, _)| name.clone());
            return Err(Error::usage(say!(
                "node `{node}` ({title}) has no field `{field}`",
                node = &node.id,
                title = &node.name(),
                field
            ))
            .of_input(node, field, "unknown_input")
            .with_hint(suggest(field, fields.clone(), list(fields))));
        };
        match link(old) {
            Some(source) => Err(Error::usage(say!(
                "`{place}` is connected to node `{source}` and cannot be set",
                place = place_of(&node.id, field),
                source = &source
            ))
            .of_input(node, field, "linked_input")
            .with_hint(say!("set a field of node `{source}` instead", source = &source))),
            None => Ok(old),
        }
    }

    /// Checks a change before anything is paid.
    ///
    /// # Errors
    /// Those of [`Workflow::field`], and when the value's type differs from that of the value it replaces.
    pub(crate) fn check(&self, node: &str, field: &str, value: Value) -> Result<Override, Error> {
        let (node, old) = (self.find(node)?, self.field(node, field)?);
        let half = value.as_str().and_then(half_width);
        let half = half.filter(|half| fit(old, written(field, old, half)).is_ok());
        let value = fit(old, value).map_err(|(wanted, got)| {
            let hint = match &half {
                Some(close) => say!("did you mean `{close}`?", close),
                None => say!("its current value is `{value}`", value = short(old)),
            };
            Error::usage(say!(
                "`{place}` takes {wanted}, not {got}",
                place = place_of(&node.id, field),
                wanted,
                got
            ))
            .of_input(node, field, "invalid_input_type")
            .with_hint(hint)
        })?;
        if is_negative_seed(node, field, &value) {
            return Err(Error::usage(say!(
                "`{place}` cannot be negative",
                place = place_of(&node.id, field)
            ))
            .of_input(node, field, "value_smaller_than_min")
            .with_hint(say!("leave it out to keep the current seed, or set it to `random` for a new one")));
        }
        Ok(Override { node: node.id.clone(), field: field.to_owned(), value })
    }

    /// Checks a change in the form in which a user writes it. Also returns whether the value is a drawn seed.
    ///
    /// # Errors
    /// Those of [`Workflow::check`].
    pub(crate) fn check_written(
        &self,
        node: &str,
        field: &str,
        text: &str,
    ) -> Result<(Override, bool), Error> {
        let old = self.field(node, field)?;
        Ok((self.check(node, field, written(field, old, text))?, is_drawn(field, old, text)))
    }

    /// Checks a change given as text: verbatim if the field holds text, or else as a user writes it.
    ///
    /// # Errors
    /// Those of [`Workflow::check`].
    pub(crate) fn check_text(&self, node: &str, field: &str, text: &str) -> Result<(Override, bool), Error> {
        if self.field(node, field)?.is_string() {
            return Ok((self.check(node, field, text.into())?, false));
        }
        self.check_written(node, field, text)
    }

    /// The workflow's JSON with the changes applied.
    pub(crate) fn with<'a>(&self, overrides: impl IntoIterator<Item = &'a Override>) -> String {
        let mut nodes = self.nodes.clone();
        for Override { node, field, value } in overrides {
            let inputs = nodes.get_mut(node.as_str()).and_then(|node| node.get_mut("inputs"));
            if let Some(inputs) = inputs.and_then(Value::as_object_mut) {
                inputs.insert(field.clone(), value.clone());
            }
        }
        Value::Object(nodes).to_string()
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn list(names: impl Iterator<Item = String>) -> Sentence {
    let fields = quoted(names);
    if fields.is_empty() { say!("it has no field that can be set") } else { say!("fields: {fields}", fields) }
}

/// The name of a field in messages: `6.text`.
pub(crate) fn place_of(node: &NodeId, field: &str) -> String {
    format!("{}.{field}", node.as_str())
}

/// Names in backticks, as a list.
pub(crate) fn quoted(names: impl Iterator<Item: Display>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Suggests the closest name, or else the given text.
pub(crate) fn suggest(wanted: &str, names: impl Iterator<Item = String>, otherwise: Sentence) -> Sentence {
    let wanted = wanted.to_lowercase();
    let close = names
        .map(|name| (strsim::jaro_winkler(&wanted, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    close.map_or(otherwise, |(_, close)| say!("did you mean `{close}`?", close))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn workflow() -> Workflow {
        Workflow::parse(
            json!({
                "3": {"class_type": "KSampler", "inputs": {"seed": 1, "cfg": 8, "tiled": false, "model": ["4", 0]}},
                "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat"}, "_meta": {"title": "Positive"}},
                "7": {"class_type": "CLIPTextEncode", "inputs": {"text": ""}, "_meta": {"title": "Negative"}},
                "8": {"class_type": "SaveImage", "inputs": {}, "_meta": {"title": "Save"}},
                "9": {"class_type": "SaveImage", "inputs": {}, "_meta": {"title": "Save"}},
            })
            .to_string(),
        )
        .expect("a workflow")
    }

    fn refused(node: &str, field: &str, value: Value) -> String {
        let error = workflow().check(node, field, value).expect_err("refused");
        format!("{error} | {}", error.hint().expect("a hint"))
    }

    #[test]
    fn a_change_is_checked_before_it_costs() {
        insta::assert_snapshot!(refused("33", "seed", json!(1)), @"the workflow has no node `33` | did you mean `3`?");
        insta::assert_snapshot!(refused("Positiv", "text", json!(1)), @"the workflow has no node `Positiv` | did you mean `Positive`?");
        insta::assert_snapshot!(refused("3", "sed", json!(1)), @"node `3` (KSampler) has no field `sed` | did you mean `seed`?");
        insta::assert_snapshot!(refused("3", "zzz", json!(1)), @r"node `3` (KSampler) has no field `zzz` | fields: `seed`, `cfg`, `tiled`");
        insta::assert_snapshot!(refused("3", "seed", json!("x")), @r"`3.seed` takes a number, not text | its current value is `1`");
        insta::assert_snapshot!(refused("3", "tiled", json!(1)), @r"`3.tiled` takes `true` or `false`, not a number | its current value is `false`");
        insta::assert_snapshot!(refused("3", "model", json!(1)), @"`3.model` is connected to node `4` and cannot be set | set a field of node `4` instead");
        insta::assert_snapshot!(refused("Save", "x", json!(1)), @"several nodes are named `Save` | use an id: `8`, `9`, …");
    }

    #[test]
    fn text_takes_what_looks_like_a_number() {
        let one = workflow().check("Positive", "text", json!(1984)).expect("fine");
        assert_eq!(one, Override { node: "6".into(), field: "text".into(), value: json!("1984") });
        assert!(workflow().check("3", "cfg", json!(7.5)).is_ok());
    }

    #[test]
    fn text_is_taken_to_the_letter_where_the_field_holds_text() {
        let value = |node: &str, field: &str, text: &str| {
            workflow().check_text(node, field, text).map(|(change, _)| change.value)
        };
        for text in [r#""quoted""#, "null", "@handle", r#"{"a":1}"#, "1984", "", "random"] {
            assert_eq!(value("6", "text", text).expect("text"), json!(text));
        }
        assert_eq!(value("3", "seed", "7").expect("a number"), json!(7));
        assert_eq!(value("3", "tiled", "true").expect("a switch"), json!(true));
        assert!(value("3", "cfg", "\"8\"").is_err());
    }

    #[test]
    fn changes_are_baked_in() {
        let change = workflow().check("6", "text", json!("a \"dog\"\n🐕")).expect("fine");
        let baked: Value = serde_json::from_str(&workflow().with(&[change])).expect("JSON");
        assert_eq!(baked["6"]["inputs"]["text"], "a \"dog\"\n🐕");
        assert_eq!(baked["3"]["inputs"]["model"], json!(["4", 0]));
    }
}
