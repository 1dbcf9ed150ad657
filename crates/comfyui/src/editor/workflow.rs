//! Converts workflows of ComfyUI's editor to API format.
//!
//! The editor's format describes what is on the canvas: nodes with their links, and the values of widgets in the order
//! of their class. So the conversion needs the classes of the server. The API format names the inputs that run.

use std::{collections::BTreeSet, error::Error as StdError, fmt};

use runninghub_core::{Fact, Sentence, say};
use serde_json::{Map, Value, json};

use super::{
    file::{BYPASSED, File, NEVER, Node},
    scope::{Scopes, Source},
    widgets,
};
use crate::ClassInfo;

/// Nodes of the canvas that never run.
const NOTES: [&str; 2] = ["Note", "MarkdownNote"];
/// Nodes that only pass on a link or a value.
const PASSING: [&str; 4] = ["Reroute", "PrimitiveNode", "GetNode", "SetNode"];

/// A workflow in the editor's format that is read but not converted yet.
#[derive(Debug)]
pub struct EditorWorkflow(File);

/// Why a workflow cannot be converted.
#[derive(Clone, Debug, PartialEq)]
pub struct EditorError(Sentence);

impl EditorWorkflow {
    /// Reads a workflow, such as a file that the editor saved.
    ///
    /// # Errors
    /// It has no nodes and links in the editor's format.
    pub fn read(workflow: &Value) -> Result<Self, EditorError> {
        serde::Deserialize::deserialize(workflow)
            .map(Self)
            .map_err(|why| EditorError(say!("the workflow is damaged: {why}", why)))
    }

    /// The classes that the conversion needs, sorted.
    pub fn classes(&self) -> BTreeSet<String> {
        let inner = self.0.definitions.subgraphs.iter().flat_map(|subgraph| &subgraph.nodes);
        let nodes = self.0.nodes.iter().chain(inner).filter(|node| self.is_real(node));
        nodes.map(|node| node.class.clone()).collect()
    }

    fn is_real(&self, node: &Node) -> bool {
        let class = node.class.as_str();
        !NOTES.contains(&class) && !PASSING.contains(&class) && self.0.subgraph(class).is_none()
    }

    /// The nodes in API format, by their ids: those of subgraphs are named as the editor does, `57:8`. Muted nodes are
    /// left out, and bypassed ones pass on their inputs. A node of a class that isn't known is left out if nothing is
    /// linked to it, as a label of an extension; else it stays, with its links only.
    ///
    /// # Errors
    /// A node has values that don't fit its class, or the links are damaged. Then the editor itself has to export
    /// the workflow.
    pub fn convert<'a>(
        &self,
        class: impl Fn(&str) -> Option<&'a ClassInfo>,
    ) -> Result<Map<String, Value>, EditorError> {
        let scopes = Scopes::new(&self.0)?;
        let mut prompt = Map::new();
        for (scope, node) in scopes.nodes() {
            if node.mode == NEVER || node.mode == BYPASSED || !self.is_real(node) {
                continue;
            }
            let id = scopes.id(scope, node);
            let known = class(&node.class);
            if known.is_none() && !node.inputs.iter().any(|input| input.link.is_some()) {
                continue;
            }
            let mut inputs = match known {
                Some(known) => widgets::values(node, known).map_err(|why| {
                    let name = format!("{} ({id})", node.title());
                    EditorError(say!("node {name}: {why}", name, why))
                })?,
                None => Map::new(),
            };
            for input in &node.inputs {
                let Some(link) = input.link else { continue };
                match scopes.source(scope, link)? {
                    Source::Node { id, slot } => inputs.insert(input.name.clone(), json!([id, slot])),
                    Source::Value(value) => inputs.insert(input.name.clone(), value),
                    // An input that only a widget supplies keeps its value.
                    Source::Nothing => None,
                };
            }
            prompt.insert(
                id,
                json!({ "class_type": node.class, "inputs": inputs, "_meta": { "title": node.title() } }),
            );
        }
        if prompt.is_empty() {
            return Err(EditorError(say!("no node of the workflow runs")));
        }
        drop_loose_links(&mut prompt);
        Ok(prompt)
    }
}

/// Removes links to nodes that were left out.
fn drop_loose_links(prompt: &mut Map<String, Value>) {
    let ids: BTreeSet<String> = prompt.keys().cloned().collect();
    let leads = |value: &Value| match value.as_array().map(Vec::as_slice) {
        Some([Value::String(id), Value::Number(_)]) => ids.contains(id),
        _ => true,
    };
    for node in prompt.values_mut() {
        if let Some(inputs) = node["inputs"].as_object_mut() {
            inputs.retain(|_, value| leads(value));
        }
    }
}

impl EditorError {
    pub(super) fn new(why: Sentence) -> Self {
        Self(why)
    }

    /// The reason, for people.
    pub fn sentence(&self) -> &Sentence {
        &self.0
    }
}

impl fmt::Display for EditorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for EditorError {}

impl From<&EditorError> for Fact {
    fn from(error: &EditorError) -> Self {
        error.0.clone().into()
    }
}
