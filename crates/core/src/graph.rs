//! A workflow in API format: which node feeds which.

use std::collections::HashMap;

use serde_json::{Map, Value};

pub use self::saved::{editor_workflow, is_not_a_number, saved_nodes};
use crate::{Error, ErrorKind, NodeId, Untrusted};

mod saved;

/// A workflow in API format: `{"3": {"class_type": …, "inputs": {…}, "_meta": {"title": …}}, …}`.
#[derive(Clone, Debug)]
pub struct Graph {
    nodes: Vec<Node>,
    index: HashMap<NodeId, usize>,
}

/// A node of a workflow.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Node {
    /// The node's id; any text.
    pub id: NodeId,
    /// The node's class, for example `KSampler`.
    pub class_type: Untrusted,
    /// The node's title, unless it is missing or empty.
    pub title: Option<Untrusted>,
    /// The node's inputs: values, and links as `["node", slot]`.
    pub inputs: Map<String, Value>,
}

impl Node {
    /// A display name: the title, falling back to the class, then the id.
    pub fn name(&self) -> Untrusted {
        match &self.title {
            Some(title) => title.clone(),
            None if self.class_type.is_empty() => self.id.as_str().into(),
            None => self.class_type.clone(),
        }
    }

    /// The nodes this node takes inputs from, in input order.
    pub fn links(&self) -> impl Iterator<Item = NodeId> {
        self.inputs.values().filter_map(link)
    }
}

/// The source node of an input value that is a link, such as `["4", 0]`.
pub fn link(value: &Value) -> Option<NodeId> {
    match value.as_array()?.as_slice() {
        [Value::String(id), Value::Number(_)] => Some(id.as_str().into()),
        [Value::Number(id), Value::Number(_)] => Some(id.to_string().into()),
        _ => None,
    }
}

impl Graph {
    /// Parses a workflow in API format in any of the forms of [`saved_nodes`].
    ///
    /// # Errors
    /// Those of [`saved_nodes`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::of(saved_nodes(text)?)
    }

    /// A workflow in API format. Values that aren't nodes are omitted, and placeholders of [`is_not_a_number`] become
    /// null.
    ///
    /// # Errors
    /// When it contains no nodes.
    pub fn of(nodes: Map<String, Value>) -> Result<Self, Error> {
        let nodes: Vec<Node> = nodes.into_iter().filter_map(|(id, value)| read_node(&id, value)).collect();
        if nodes.is_empty() {
            return Err(Error::new(ErrorKind::NotAWorkflow));
        }
        let index = nodes.iter().enumerate().map(|(at, node)| (node.id.clone(), at)).collect();
        Ok(Self { nodes, index })
    }

    /// The nodes in file order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node with this id.
    pub fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.get(self.position(id)?)
    }

    /// The index of the node in [`Graph::nodes`].
    pub fn position(&self, id: &str) -> Option<usize> {
        self.index.get(id).copied()
    }
}

/// Whether the value is a node of a workflow in API format.
fn is_node(value: &Value) -> bool {
    value.get("class_type").is_some_and(Value::is_string)
}

fn read_node(id: &str, value: Value) -> Option<Node> {
    let Value::Object(mut node) = value else { return None };
    let Some(Value::String(class_type)) = node.remove("class_type") else { return None };
    let mut inputs = match node.remove("inputs") {
        Some(Value::Object(inputs)) => inputs,
        _ => Map::new(),
    };
    for value in inputs.values_mut().filter(|value| is_not_a_number(value)) {
        *value = Value::Null;
    }
    let title = node.get("_meta").and_then(|meta| meta.get("title")).and_then(Value::as_str);
    let title = title.filter(|title| !title.trim().is_empty()).map(Untrusted::from);
    Some(Node { id: id.into(), class_type: class_type.into(), title, inputs })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_keep_their_order_and_their_odd_ids() {
        let graph = Graph::parse(
            r#"{"57:8":{"class_type":"A","inputs":{"x":["save-me",0],"y":[4,1],"z":["a","b"],"w":[1,2,3]}},
                "save-me":{"class_type":"B","_meta":{"title":"标题"}},"4":{"class_type":"C","_meta":{"title":" "}},"extra":7}"#,
        )
        .expect("a workflow");
        let names: Vec<_> =
            graph.nodes().iter().map(|node| (node.id.as_str(), node.name().to_string())).collect();
        assert_eq!(names, [("57:8", "A".into()), ("save-me", "标题".into()), ("4", "C".to_owned())]);
        let links: Vec<_> = graph.nodes()[0].links().collect();
        assert_eq!(links, [NodeId::from("save-me"), NodeId::from("4")]);
        assert!(graph.node("5").is_none());
    }

    #[test]
    fn text_that_is_not_a_workflow_is_classified() {
        for (text, kind) in [
            ("{", ErrorKind::NotJson),
            ("{}", ErrorKind::Empty),
            (r#"{"a":1}"#, ErrorKind::NotAWorkflow),
            (r#"{"nodes":[{"id":1,"type":"KSampler"}],"links":[],"version":0.4}"#, ErrorKind::UiFormat),
        ] {
            assert_eq!(Graph::parse(text).expect_err("refused").kind(), kind, "{text}");
        }
        assert!(Graph::parse(r#"{"1":{"class_type":"A","inputs":{"x":NaN}}}"#).is_ok());
        assert!(Graph::parse(r#"{"prompt":{"1":{"class_type":"A","inputs":{}}}}"#).is_ok());
    }
}
