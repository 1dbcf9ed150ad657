//! Follows links to the nodes that run: through reroutes, bypassed nodes and subgraphs.

use std::collections::HashMap;

use runninghub_core::say;
use serde_json::Value;

use super::{
    file::{ALWAYS, BYPASSED, File, Link, NEVER, Node},
    workflow::EditorError,
};

/// The nodes that stand for the inputs and outputs of a subgraph within it.
const INPUTS: &str = "-10";
const OUTPUTS: &str = "-20";
/// Longer paths and more nested subgraphs are circles.
const LONGEST_PATH: usize = 1000;
const DEEPEST: usize = 16;

/// The canvas, and every use of a subgraph.
pub(super) struct Scopes<'a> {
    all: Vec<Scope<'a>>,
}

struct Scope<'a> {
    /// The ids of the nodes around it, each followed by a colon.
    prefix: String,
    nodes: &'a [Node],
    by_id: HashMap<&'a str, &'a Node>,
    links: HashMap<u64, &'a Link>,
    /// The node that the subgraph is used as, and its scope.
    host: Option<(usize, &'a Node)>,
    /// The scopes of subgraphs that are used here, by the ids of their nodes.
    inner: HashMap<&'a str, usize>,
}

/// Where the value of an input comes from.
#[derive(Debug, PartialEq)]
pub(super) enum Source {
    Node { id: String, slot: usize },
    Value(Value),
    Nothing,
}

impl<'a> Scopes<'a> {
    pub(super) fn new(file: &'a File) -> Result<Self, EditorError> {
        let mut scopes = Self { all: Vec::new() };
        scopes.add(file, &file.nodes, &file.links, String::new(), None, 0)?;
        Ok(scopes)
    }

    fn add(
        &mut self,
        file: &'a File,
        nodes: &'a [Node],
        links: &'a [Link],
        prefix: String,
        host: Option<(usize, &'a Node)>,
        depth: usize,
    ) -> Result<usize, EditorError> {
        if depth > DEEPEST {
            return Err(EditorError::new(say!("a subgraph contains itself")));
        }
        let index = self.all.len();
        let by_id = nodes.iter().map(|node| (&*node.id, node)).collect();
        let by_link = links.iter().map(|link| (link.id, link)).collect();
        self.all.push(Scope { prefix, nodes, by_id, links: by_link, host, inner: HashMap::new() });
        for node in nodes {
            if let Some(subgraph) = file.subgraph(&node.class).filter(|_| runs(node)) {
                let prefix = format!("{}:", self.id(index, node));
                let host = Some((index, node));
                let inner = self.add(file, &subgraph.nodes, &subgraph.links, prefix, host, depth + 1)?;
                if let Some(scope) = self.all.get_mut(index) {
                    scope.inner.insert(&node.id, inner);
                }
            }
        }
        Ok(index)
    }

    /// All nodes with their scopes.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (usize, &'a Node)> {
        self.all
            .iter()
            .enumerate()
            .flat_map(|(index, scope)| scope.nodes.iter().map(move |node| (index, node)))
    }

    /// The id of a node in API format.
    pub(super) fn id(&self, scope: usize, node: &Node) -> String {
        let prefix = self.all.get(scope).map(|scope| &*scope.prefix).unwrap_or_default();
        format!("{prefix}{}", node.id)
    }

    /// What a link leads to.
    pub(super) fn source(&self, scope: usize, link: u64) -> Result<Source, EditorError> {
        let (mut scope, mut link) = (scope, link);
        for _ in 0..LONGEST_PATH {
            match self.step(scope, link) {
                Step::Link(next_scope, next) => (scope, link) = (next_scope, next),
                Step::End(source) => return Ok(source),
            }
        }
        Err(EditorError::new(say!("the links of the workflow form a circle")))
    }

    fn step(&self, index: usize, link: u64) -> Step {
        let nothing = Step::End(Source::Nothing);
        let Some(scope) = self.all.get(index) else { return nothing };
        let Some(link) = scope.links.get(&link) else { return nothing };
        if link.origin == INPUTS {
            return scope.host.map_or(nothing, |(outer, host)| input_of(outer, host, link.origin_slot));
        }
        let Some(node) = scope.by_id.get(&*link.origin) else { return nothing };
        let passed =
            |link: Option<u64>| link.map_or(Step::End(Source::Nothing), |link| Step::Link(index, link));
        let first = || node.inputs.first().and_then(|input| input.link);
        match node.class.as_str() {
            _ if node.mode == NEVER => nothing,
            _ if node.mode == BYPASSED => passed(bypass(node, link.origin_slot)),
            "Reroute" | "SetNode" => passed(first()),
            "PrimitiveNode" => Step::End(first_value(node).map_or(Source::Nothing, Source::Value)),
            "GetNode" => self.set_node(index, node).map_or(nothing, |(scope, link)| Step::Link(scope, link)),
            _ => match scope.inner.get(&*node.id) {
                Some(inner) => self.output_of(*inner, link.origin_slot),
                None => Step::End(Source::Node { id: self.id(index, node), slot: link.origin_slot }),
            },
        }
    }

    /// The link into an output of a subgraph.
    fn output_of(&self, inner: usize, slot: usize) -> Step {
        let links = self.all.get(inner).into_iter().flat_map(|scope| scope.links.values());
        let mut into = links.filter(|link| link.target == OUTPUTS && link.target_slot == slot);
        into.next().map_or(Step::End(Source::Nothing), |link| Step::Link(inner, link.id))
    }

    /// The link into the node that sets what a node gets, here or further out.
    fn set_node(&self, index: usize, get: &Node) -> Option<(usize, u64)> {
        let name = first_value(get)?;
        let mut next = Some(index);
        while let Some(scope) = next.and_then(|index| Some((index, self.all.get(index)?))) {
            let (index, scope) = scope;
            let is_meant =
                |node: &&Node| node.class == "SetNode" && first_value(node).as_ref() == Some(&name);
            if let Some(set) = scope.nodes.iter().find(is_meant) {
                return Some((index, set.inputs.first()?.link?));
            }
            next = scope.host.map(|(outer, _)| outer);
        }
        None
    }
}

enum Step {
    /// A link in a scope.
    Link(usize, u64),
    End(Source),
}

fn runs(node: &Node) -> bool {
    node.mode == ALWAYS || (node.mode != NEVER && node.mode != BYPASSED)
}

/// What comes into a subgraph: a link, or the value of a widget on its node.
fn input_of(outer: usize, host: &Node, slot: usize) -> Step {
    let Some(input) = host.inputs.get(slot) else { return Step::End(Source::Nothing) };
    if let Some(link) = input.link {
        return Step::Link(outer, link);
    }
    let mut widgets = host.inputs.iter().enumerate().filter(|(_, input)| input.widget.is_some());
    let values = host.widgets_values.as_array();
    // Other widgets on the node belong to nodes within, and are kept there.
    let values = values.filter(|values| values.len() == widgets.clone().count());
    let at = widgets.position(|(at, _)| at == slot);
    let value = values.zip(at).and_then(|(values, at)| values.get(at));
    Step::End(value.cloned().map_or(Source::Nothing, Source::Value))
}

/// The link that a bypassed node passes on: of the input in the same place, else of the first with the same type.
fn bypass(node: &Node, slot: usize) -> Option<u64> {
    let kind = &node.outputs.get(slot)?.kind;
    let same = node.inputs.get(slot).into_iter().chain(&node.inputs);
    same.filter(|input| input.kind == *kind || input.kind == "*" || *kind == "*").find_map(|input| input.link)
}

fn first_value(node: &Node) -> Option<Value> {
    node.widgets_values.as_array()?.first().cloned()
}
