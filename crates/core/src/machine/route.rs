//! Assigns frames to this run, and ids to nodes.

use std::collections::HashMap;

use super::{node::NodeTrack, state::Machine};
use crate::{NodeId, Phase, plan::copy_of};

/// The nodes seen so far, for a machine without a workflow.
#[derive(Debug, Default)]
pub(super) struct Seen {
    ids: Vec<NodeId>,
    index: HashMap<NodeId, usize>,
}

impl Seen {
    pub(super) fn id(&self, at: usize) -> Option<&NodeId> {
        self.ids.get(at)
    }

    fn position(&self, id: &str) -> Option<usize> {
        self.index.get(id).copied()
    }

    fn push(&mut self, id: NodeId) {
        self.index.insert(id.clone(), self.ids.len());
        self.ids.push(id);
    }
}

impl Machine {
    /// Whether a frame with this prompt id belongs to this run. On an exclusive socket the first id seen is adopted.
    pub(super) fn is_ours(&mut self, prompt: Option<&str>) -> bool {
        match (prompt, &self.prompt) {
            (Some(prompt), Some(ours)) => prompt == ours.as_str(),
            (Some(prompt), None) => {
                if self.sole {
                    self.prompt = Some(prompt.into());
                }
                self.sole
            }
            // Servers before 2024 send no prompt id; only an exclusive socket identifies the run.
            (None, _) => self.sole,
        }
    }

    /// Whether a frame without a prompt id, from a server that sends prompt ids, belongs to this run.
    pub(super) fn is_ours_unnamed(&self) -> bool {
        self.sole || self.phase == Phase::Running
    }

    /// The workflow node that an id belongs to: the first of the names that resolves to one. Without a workflow every
    /// new id is a node, and an expanded id belongs to the node it was expanded from.
    pub(super) fn owner(&mut self, names: [Option<&str>; 3]) -> Option<usize> {
        let mut names = names.into_iter().flatten().filter(|name| !name.is_empty());
        if let Some(plan) = &self.plan {
            let mut rest = names.clone();
            return names
                .find_map(|name| plan.position(name))
                .or_else(|| rest.find_map(|name| plan.owner(name)));
        }
        let id = names.next()?;
        let copy = copy_of(id).filter(|of| self.seen.position(of).is_some());
        let id = names.next().or(copy).unwrap_or_else(|| top_level(id));
        if let Some(at) = self.seen.position(id) {
            return Some(at);
        }
        if self.nodes.len() >= MOST_NODES {
            return None;
        }
        self.seen.push(id.into());
        self.nodes.push(NodeTrack::default());
        self.booked.add_node();
        Some(self.nodes.len() - 1)
    }
}

/// Without a workflow, nodes come from frames; the limit keeps a hostile server from filling memory.
const MOST_NODES: usize = 10_000;

/// `3.0.0.1` and `3.0.0.1.0.0.2` come from `3`; ids with a different number of dots are unchanged.
fn top_level(id: &str) -> &str {
    let dots = id.matches('.').count();
    if dots > 0 && dots.is_multiple_of(3) { id.split('.').next().unwrap_or(id) } else { id }
}
