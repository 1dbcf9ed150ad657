//! The work of a run: the nodes that lead to an output, and their weights.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{
    Basis, Expected, Graph, Learned, NodeId, Priors, Untrusted,
    learned::{Memories, Memory},
    priors,
};

/// The nodes of a workflow, and which of them have to run.
///
/// A node is required if it is an output, or an output is reachable from it. The number of required nodes is the total,
/// fixed from the start: nodes that feed no output never run and don't count.
///
/// Its JSON contains the total, and the displayed fields of each node. A plan read from JSON has no links.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(from = "Listed")]
pub struct Plan {
    /// The number of required nodes.
    total: usize,
    /// All nodes, in the workflow's order.
    nodes: Vec<PlanNode>,
    #[serde(skip)]
    index: HashMap<NodeId, usize>,
    #[serde(skip)]
    outputs: Vec<usize>,
    #[serde(skip)]
    learned: bool,
    #[serde(skip)]
    basis: Basis,
}

/// A plan as read from JSON.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Listed {
    total: usize,
    nodes: Vec<PlanNode>,
}

impl From<Listed> for Plan {
    fn from(Listed { total, mut nodes }: Listed) -> Self {
        for node in &mut nodes {
            (node.weight, node.work) = (1.0, node.expected.seconds());
        }
        let index = nodes.iter().enumerate().map(|(at, node)| (node.id.clone(), at)).collect();
        Self { total, nodes, index, outputs: Vec::new(), learned: false, basis: Basis::default() }
    }
}

/// A node of a plan.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct PlanNode {
    /// The node's id.
    pub id: NodeId,
    /// Its title, falling back to its class, then its id.
    pub title: Untrusted,
    /// Its class.
    pub class_type: Untrusted,
    /// Whether an output needs it.
    pub required: bool,
    /// Its weight when nodes are counted: 1, or the seconds learned from earlier runs. Zero or more.
    #[serde(skip)]
    pub weight: f64,
    /// The number of passes of its counter, if known from an earlier run.
    #[serde(skip)]
    pub passes: Option<u32>,
    /// Whether its class is known to count in several passes (tiles), so that one full count isn't the whole work.
    #[serde(skip)]
    pub(crate) tiled: bool,
    /// Its expected duration, by class and inputs; scaled if earlier runs show how other nodes compare with the table.
    #[serde(skip, default = "Expected::unknown")]
    pub expected: Expected,
    /// Seconds the table expects.
    #[serde(skip)]
    pub(crate) work: f64,
    /// Durations from earlier runs.
    #[serde(skip)]
    pub(crate) memories: Option<Box<Memories>>,
    /// The indices of the nodes it takes inputs from.
    #[serde(skip)]
    pub(crate) parents: Vec<usize>,
}

impl PlanNode {
    /// Expected seconds, from earlier runs or else from the table.
    pub fn seconds(&self) -> f64 {
        self.memories.as_ref().map_or_else(|| self.expected.seconds(), |memories| memories.of(false).seconds)
    }
}

/// Bounds for the assumed ratio of a workflow's durations to the table's.
const RATIO: (f64, f64) = (0.01, 100.0);

impl Plan {
    /// Plans a workflow.
    ///
    /// `outputs` are the ids that the server listed in `outputs_to_execute`; the id of an expanded node counts for the
    /// node it comes from. If the list is empty, or none of them is in the workflow, the outputs are the nodes that no
    /// other node links to.
    pub fn new(graph: &Graph, outputs: &[NodeId]) -> Self {
        Self::with_priors(graph, outputs, &Priors::default())
    }

    /// Like [`Plan::new`], with another table of expected seconds.
    pub fn with_priors(graph: &Graph, outputs: &[NodeId], priors: &Priors) -> Self {
        let mut nodes: Vec<PlanNode> = graph
            .nodes()
            .iter()
            .zip(priors::expect(graph, priors))
            .map(|(node, expected)| PlanNode {
                expected,
                work: expected.seconds(),
                memories: None,
                id: node.id.clone(),
                title: node.name(),
                class_type: node.class_type.clone(),
                required: false,
                weight: 1.0,
                passes: None,
                tiled: is_tiled(node.class_type.raw()),
                parents: node.links().filter_map(|id| graph.position(id.as_str())).collect(),
            })
            .collect();
        let index: HashMap<_, _> = nodes.iter().enumerate().map(|(at, node)| (node.id.clone(), at)).collect();
        let mut found: Vec<usize> = outputs.iter().filter_map(|id| owner(&index, id.as_str())).collect();
        if found.is_empty() {
            let mut is_source = vec![false; nodes.len()];
            for parent in nodes.iter().flat_map(|node| &node.parents) {
                if let Some(flag) = is_source.get_mut(*parent) {
                    *flag = true;
                }
            }
            found = (0..nodes.len()).filter(|at| is_source.get(*at) == Some(&false)).collect();
        }
        found.sort_unstable();
        found.dedup();
        let required = ancestors(&nodes, &found, |_| false);
        for (node, required) in nodes.iter_mut().zip(&required) {
            node.required = *required;
        }
        let total = required.iter().filter(|required| **required).count();
        let plan = Self { total, nodes, index, outputs: found, learned: false, basis: Basis::default() };
        Self { basis: plan.find_basis(), ..plan }
    }

    /// Adds durations from earlier runs, any number per node. A node without any is assumed to differ from the table by
    /// the same factor as the others.
    #[must_use]
    pub fn with_learned(mut self, learned: &[Learned]) -> Self {
        let by_node = Memories::by_node(learned);
        let (mut sum, mut work, mut known) = (0.0, 0.0, 0_u32);
        for node in &mut self.nodes {
            let runs = by_node.get(&node.id);
            let Some(memories) = runs.and_then(|runs| Memories::new(runs, node.work)) else { continue };
            let Memory { seconds, passes, .. } = *memories.of(false);
            (node.weight, node.passes) = (seconds, Some(passes));
            node.memories = Some(Box::new(memories));
            (sum, work, known) = (sum + seconds, work + node.work, known + 1);
        }
        // If all weights were zero, there would be nothing to count.
        if sum <= 0.0 {
            self.nodes
                .iter_mut()
                .for_each(|node| (node.weight, node.passes, node.memories) = (1.0, None, None));
            return self;
        }
        for node in self.nodes.iter_mut().filter(|node| node.memories.is_none()) {
            node.weight = sum / f64::from(known);
            node.expected = node.expected.times((sum / work).clamp(RATIO.0, RATIO.1));
        }
        self.learned = true;
        self.basis = self.find_basis();
        self
    }

    /// All nodes, in the workflow's order.
    pub fn nodes(&self) -> &[PlanNode] {
        &self.nodes
    }

    /// The number of required nodes.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Whether the weights come from earlier runs.
    pub fn is_learned(&self) -> bool {
        self.learned
    }

    /// The basis of most of the expected time.
    pub fn basis(&self) -> Basis {
        self.basis
    }

    fn find_basis(&self) -> Basis {
        let (mut all, mut known, mut learned) = (0.0, 0.0, 0.0);
        for node in self.nodes.iter().filter(|node| node.required) {
            let seconds = node.seconds();
            all += seconds;
            known += if node.expected.known { seconds } else { 0.0 };
            learned += if node.memories.is_some() { seconds } else { 0.0 };
        }
        match all {
            _ if self.learned && learned >= 0.5 * all => Basis::Learned,
            _ if known >= 0.5 * all => Basis::ClassKnown,
            _ => Basis::FirstRun,
        }
    }

    /// The index of a node in [`Plan::nodes`].
    pub fn position(&self, id: &str) -> Option<usize> {
        self.index.get(id).copied()
    }

    /// The indices of the outputs.
    pub(crate) fn outputs(&self) -> &[usize] {
        &self.outputs
    }

    /// The index of the workflow node that an id belongs to: the node with this id, or the one it was expanded from.
    pub(crate) fn owner(&self, id: &str) -> Option<usize> {
        owner(&self.index, id)
    }

    /// The indices of the nodes between the start and the end of a native loop.
    pub(crate) fn loop_body(&self, start: usize) -> Vec<usize> {
        let below = |at: usize| at != start && self.ancestors(&[at], |_| false).get(start) == Some(&true);
        let ends = self.nodes.iter().enumerate().filter(|(_, node)| ends_loop(node.class_type.raw()));
        let ends: Vec<usize> = ends.map(|(at, _)| at).filter(|at| below(*at)).collect();
        let above = self.ancestors(&ends, |at| at == start);
        (0..above.len())
            .filter(|at| above.get(*at) == Some(&true) && !ends.contains(at) && below(*at))
            .collect()
    }

    /// Marks the nodes in `from`, and all nodes from which one of them is reachable without passing through a node for
    /// which `stop` holds. Nodes for which it holds aren't marked.
    pub(crate) fn ancestors(&self, from: &[usize], stop: impl Fn(usize) -> bool) -> Vec<bool> {
        ancestors(&self.nodes, from, stop)
    }
}

/// The node that a native loop copied under this id, by its form: `START.CALL.GRAPH.ROUND_NODE`.
pub(crate) fn copy_of(id: &str) -> Option<&str> {
    let (round, of) = id.rsplit_once('.')?.1.split_once('_')?;
    round.bytes().all(|byte| byte.is_ascii_digit()).then_some(of)
}

/// Ids of expanded nodes have the form `PARENT.CALL.GRAPH.N`, and nested ones are longer: three parts at a time are
/// removed until a node is found. In a native loop `N` is `ROUND_NODE`, for a copy of that node.
fn owner(index: &HashMap<NodeId, usize>, id: &str) -> Option<usize> {
    let mut id = id;
    loop {
        if let Some(at) = index.get(id) {
            return Some(*at);
        }
        if let Some(at) = copy_of(id).and_then(|of| index.get(of)) {
            return Some(*at);
        }
        for _ in 0..3 {
            (id, _) = id.rsplit_once('.')?;
        }
    }
}

fn ancestors(nodes: &[PlanNode], from: &[usize], stop: impl Fn(usize) -> bool) -> Vec<bool> {
    let mut marked = vec![false; nodes.len()];
    let mut open: Vec<usize> = from.to_vec();
    while let Some(at) = open.pop() {
        if let (Some(mark), Some(node)) = (marked.get_mut(at), nodes.get(at))
            && !*mark
            && !stop(at)
        {
            *mark = true;
            open.extend(&node.parents);
        }
    }
    marked
}

/// Classes that sample image by image or tile by tile, and restart their counter for each.
fn is_tiled(class_type: &str) -> bool {
    let class = class_type.to_ascii_lowercase();
    ["ultimatesdupscale", "tiled", "tile_", "tileddiffusion", "iterativeupscale", "seedvr"]
        .iter()
        .any(|part| class.contains(part))
}

fn ends_loop(class_type: &str) -> bool {
    let class = class_type.to_ascii_lowercase();
    class.contains("end") && ["loop", "for", "while"].iter().any(|part| class.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(links: &[(&str, &[&str])]) -> Graph {
        let nodes: serde_json::Map<_, _> = links
            .iter()
            .map(|(id, from)| {
                let inputs: serde_json::Map<_, _> =
                    from.iter().map(|from| (format!("in_{from}"), serde_json::json!([from, 0]))).collect();
                ((*id).to_owned(), serde_json::json!({ "class_type": "X", "inputs": inputs }))
            })
            .collect();
        Graph::parse(&serde_json::Value::Object(nodes).to_string()).expect("a workflow")
    }

    fn required(plan: &Plan) -> Vec<&str> {
        plan.nodes().iter().filter(|node| node.required).map(|node| node.id.as_str()).collect()
    }

    #[test]
    fn only_what_feeds_an_output_is_required() {
        let graph = graph(&[("1", &[]), ("2", &["1"]), ("3", &["2"]), ("4", &["1"]), ("5", &["4"])]);
        assert_eq!(required(&Plan::new(&graph, &["3".into()])), ["1", "2", "3"]);
        assert_eq!(required(&Plan::new(&graph, &["3.0.0.1".into()])), ["1", "2", "3"], "an expanded output");
        assert_eq!(required(&Plan::new(&graph, &[])).len(), 5, "all sinks");
        assert_eq!(required(&Plan::new(&graph, &["nowhere".into()])).len(), 5);
    }

    #[test]
    fn a_cycle_does_not_hang() {
        let graph = graph(&[("1", &["2"]), ("2", &["1"])]);
        assert_eq!(Plan::new(&graph, &["1".into()]).total(), 2);
        assert_eq!(Plan::new(&graph, &[]).total(), 0);
    }

    #[test]
    fn the_owner_is_found_through_any_nesting() {
        let plan = Plan::new(&graph(&[("3", &[]), ("a.b", &[])]), &[]);
        assert_eq!(plan.owner("3.0.0.1.0.0.2"), Some(0));
        assert_eq!(plan.owner("a.b"), Some(1));
        assert_eq!(plan.owner("a.b.0.0.9"), Some(1));
        assert_eq!(plan.owner("7.0.0.1"), None);
        assert_eq!(plan.owner(""), None);
        assert_eq!(plan.owner("3.1"), None);
    }

    #[test]
    fn weights_are_learned_and_never_all_zero() {
        let graph = graph(&[("1", &[]), ("2", &["1"]), ("3", &["2"])]);
        let plan = Plan::new(&graph, &[]).with_learned(&[
            Learned::new("1".into(), 2.0, 1),
            Learned::new("2".into(), 6.0, 3),
            Learned::new("9".into(), f64::NAN, 1),
        ]);
        assert_eq!(plan.nodes().iter().map(|node| node.weight).collect::<Vec<_>>(), [2.0, 6.0, 4.0]);
        assert_eq!(plan.nodes()[1].passes, Some(3));
        let plan = Plan::new(&graph, &[]).with_learned(&[Learned::new("1".into(), 0.0, 1)]);
        assert!(
            !plan.is_learned() && plan.nodes().iter().all(|node| node.weight.to_bits() == 1.0_f64.to_bits())
        );
    }
}
