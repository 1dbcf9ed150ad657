//! The node classes of a server, asked for once each.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::{StreamExt as _, stream};
use runninghub_comfyui::{ClassInfo, Client, ErrorKind as ComfyErrorKind};
use runninghub_core::{Graph, NodeId};

use crate::{Error, ErrorKind};

/// How many classes are asked for at once: the server has one thread.
const AT_ONCE: usize = 4;

#[derive(Default)]
pub(crate) struct Classes(Mutex<HashMap<String, Arc<ClassInfo>>>);

impl Classes {
    pub(super) fn get(&self, class_type: &str) -> Option<Arc<ClassInfo>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(class_type).cloned()
    }

    /// Asks for the classes that a workflow uses. An error names all that the server does not have.
    pub(super) async fn learn(&self, client: &Client, graph: &Graph) -> Result<(), Error> {
        let mut wanted: Vec<&str> = graph.nodes().iter().map(|node| node.class_type.raw()).collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted.retain(|class| self.get(class).is_none());
        let mut answers = stream::iter(wanted)
            .map(|class| async move { (class, client.class(class).await) })
            .buffered(AT_ONCE);
        let mut missing = Vec::new();
        while let Some((class, answer)) = answers.next().await {
            match answer {
                Ok(Some(info)) => {
                    let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                    known.insert(class.to_owned(), Arc::new(info));
                }
                Ok(None) => missing.push(class),
                // A class whose list of files cannot be made has an error of its own; the prompt will tell.
                Err(error) if matches!(error.kind(), ComfyErrorKind::Http { .. }) => {
                    tracing::debug!(%error, class, "a node class cannot be had");
                }
                Err(error) => return Err(Error::comfy("cannot ask for the node classes", error)),
            }
        }
        if missing.is_empty() { Ok(()) } else { Err(unknown(graph, &missing)) }
    }

    /// The outputs of a workflow, without those that were dropped.
    pub(super) fn outputs(&self, graph: &Graph, dropped: &[NodeId]) -> Vec<NodeId> {
        let is_output = |class: &str| self.get(class).is_some_and(|class| class.output_node);
        let outputs = graph.nodes().iter().filter(|node| is_output(node.class_type.raw()));
        outputs.map(|node| node.id.clone()).filter(|id| !dropped.contains(id)).collect()
    }
}

fn unknown(graph: &Graph, missing: &[&str]) -> Error {
    let named: Vec<_> = missing
        .iter()
        .map(|class| {
            let nodes = graph.nodes().iter().filter(|node| node.class_type.raw() == *class);
            let ids: Vec<_> = nodes.map(|node| node.id.to_string()).collect();
            format!("`{class}` (node {})", ids.join(", "))
        })
        .collect();
    let word = if named.len() == 1 { "node class" } else { "node classes" };
    Error::new(ErrorKind::Refused, format!("the server has no {word} {}", named.join(", ")))
        .with_hint("install the custom nodes that bring it, restart the server, and run it again")
}
