//! What a run will have to do: the nodes from which an output can be reached, and how much each weighs.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{
    Basis, Expected, Graph, Learned, NodeId, Priors, Untrusted,
    learned::{Memories, Memory},
    priors,
};

/// The nodes of a workflow, and which of them have to run.
///
/// Required is every node from which some output is reachable, outputs included. Their number is the total, fixed
/// from the start: nodes that feed no output never run and do not count.
///
/// Its JSON has the total, and of each node what there is to show. A plan that is read from it has no links.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(from = "Listed")]
pub struct Plan {
    /// How many nodes are required.
    total: usize,
    /// All nodes in the workflow's order.
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

/// A plan as it is read.
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
    /// Its id.
    pub id: NodeId,
    /// Its title, else its class, else its id.
    pub title: Untrusted,
    /// Its class.
    pub class_type: Untrusted,
    /// Whether some output needs it.
    pub required: bool,
    /// Its share of the overall figure: 1 each, or seconds that were learned. Zero or more.
    #[serde(skip)]
    pub weight: f64,
    /// How often its counter starts over in all, if an earlier run has shown it.
    #[serde(skip)]
    pub passes: Option<u32>,
    /// Whether its class is known to count several times (tiles), so that one full count is not the whole of it.
    #[serde(skip)]
    pub(crate) tiled: bool,
    /// What it is expected to take, by its class and its inputs, or scaled by what other nodes of the workflow took.
    #[serde(skip, default = "Expected::unknown")]
    pub expected: Expected,
    /// Seconds that the table expects.
    #[serde(skip)]
    pub(crate) work: f64,
    /// What earlier runs have shown.
    #[serde(skip)]
    pub(crate) memories: Option<Box<Memories>>,
    /// The positions of the nodes it takes its inputs from.
    #[serde(skip)]
    pub(crate) parents: Vec<usize>,
}

impl PlanNode {
    /// Seconds that it is expected to take: what earlier runs have shown, or what the table says.
    pub fn seconds(&self) -> f64 {
        self.memories.as_ref().map_or_else(|| self.expected.seconds(), |memories| memories.of(false).seconds)
    }
}

/// How much slower or faster than the table a workflow is taken to be at most.
const RATIO: (f64, f64) = (0.01, 100.0);

impl Plan {
    /// Plans a workflow.
    ///
    /// `outputs` are the ids that the server said it will execute (`outputs_to_execute`); ids of expanded nodes count
    /// for the node they come from. Where none of them is in the workflow, or none was told, the outputs are the nodes
    /// that no other node links to.
    pub fn new(graph: &Graph, outputs: &[NodeId]) -> Self {
        Self::with_priors(graph, outputs, &Priors::default())
    }

    /// The same with another table of expected seconds.
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

    /// The same plan with durations of earlier runs, any number for each node. A node that no run has shown is expected
    /// to be as much slower or faster than the table says as the others are.
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
        // Weights of zero alone would leave nothing to count.
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

    /// All nodes in the workflow's order.
    pub fn nodes(&self) -> &[PlanNode] {
        &self.nodes
    }

    /// How many nodes are required.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Whether the weights are seconds of an earlier run.
    pub fn is_learned(&self) -> bool {
        self.learned
    }

    /// What most of the expected time rests on.
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

    /// Where the node stands in [`Plan::nodes`].
    pub fn position(&self, id: &str) -> Option<usize> {
        self.index.get(id).copied()
    }

    /// The positions of the outputs.
    pub(crate) fn outputs(&self) -> &[usize] {
        &self.outputs
    }

    /// The node of the workflow that an id belongs to: the id itself, or what it was expanded from.
    pub(crate) fn owner(&self, id: &str) -> Option<usize> {
        owner(&self.index, id)
    }

    /// The nodes between the start of a native loop and its end.
    pub(crate) fn loop_body(&self, start: usize) -> Vec<usize> {
        let below = |at: usize| at != start && self.ancestors(&[at], |_| false).get(start) == Some(&true);
        let ends = self.nodes.iter().enumerate().filter(|(_, node)| ends_loop(node.class_type.raw()));
        let ends: Vec<usize> = ends.map(|(at, _)| at).filter(|at| below(*at)).collect();
        let above = self.ancestors(&ends, |at| at == start);
        (0..above.len())
            .filter(|at| above.get(*at) == Some(&true) && !ends.contains(at) && below(*at))
            .collect()
    }

    /// Marks every node from which one of `from` is reachable, these included, without passing through a node for
    /// which `stop` holds; such a node is not marked.
    pub(crate) fn ancestors(&self, from: &[usize], stop: impl Fn(usize) -> bool) -> Vec<bool> {
        ancestors(&self.nodes, from, stop)
    }
}

/// Ids of expanded nodes are `PARENT.CALL.GRAPH.N`, nested ones longer: three parts are cut off until a node is found. In
/// a native loop `N` is `ROUND_NODE`, and what runs is a copy of that node.
fn owner(index: &HashMap<NodeId, usize>, id: &str) -> Option<usize> {
    let mut id = id;
    loop {
        if let Some(at) = index.get(id) {
            return Some(*at);
        }
        let copy = id.rsplit_once('.').and_then(|(_, last)| last.split_once('_'));
        if let Some((round, of)) = copy
            && round.bytes().all(|byte| byte.is_ascii_digit())
            && let Some(at) = index.get(of)
        {
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

/// Classes that sample picture by picture or tile by tile, and start their counter anew for each.
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
