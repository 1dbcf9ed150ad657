//! The node classes of a server, each requested once.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::{StreamExt as _, stream};
use runninghub_comfyui::{ClassInfo, Client, ErrorKind as ComfyErrorKind};
use runninghub_core::{Graph, NodeError, NodeId, say};

use super::kept::Kept;
use crate::{Error, ErrorKind};

/// Concurrent class requests: the server has one thread.
const AT_ONCE: usize = 4;

pub(crate) struct Classes {
    known: Mutex<Known>,
    kept: Option<Kept>,
}

#[derive(Default)]
struct Known {
    classes: HashMap<String, Arc<ClassInfo>>,
    /// The version that the server reports.
    version: Option<String>,
    /// Some classes were cached by an earlier process, and may be out of date.
    is_recalled: bool,
}

impl Classes {
    pub(super) fn new(kept: Option<Kept>) -> Self {
        Self { known: Mutex::default(), kept }
    }

    pub(super) fn get(&self, class_type: &str) -> Option<Arc<ClassInfo>> {
        self.known().classes.get(class_type).cloned()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loads the classes that an earlier process cached for this server version.
    pub(super) fn recall(&self, version: Option<&str>) {
        let kept = self.kept.as_ref().map(|kept| kept.read(version)).unwrap_or_default();
        let mut known = self.known();
        if known.version.as_deref() != version {
            known.classes.clear();
            known.version = version.map(str::to_owned);
        }
        for (class, info) in kept {
            if !known.classes.contains_key(&class) {
                known.is_recalled = true;
                known.classes.insert(class, info);
            }
        }
    }

    /// After a refusal: discards cached classes, and requests those that the workflow uses.
    pub(super) async fn renew(&self, client: &Client, graph: &Graph) -> Result<(), Error> {
        {
            let mut known = self.known();
            if !std::mem::take(&mut known.is_recalled) {
                return Ok(());
            }
            known.classes.clear();
        }
        if let Some(kept) = &self.kept {
            kept.forget();
        }
        self.learn(client, graph).await
    }

    /// Requests the classes that a workflow uses. An error names all that the server does not have.
    pub(super) async fn learn(&self, client: &Client, graph: &Graph) -> Result<(), Error> {
        let wanted = graph.nodes().iter().map(|node| node.class_type.raw().to_owned()).collect();
        let missing = self.request(client, wanted).await?;
        if missing.is_empty() { Ok(()) } else { Err(unknown(graph, &missing)) }
    }

    /// Requests classes that aren't known yet. Returns those that the server does not have.
    pub(super) async fn request(
        &self,
        client: &Client,
        mut wanted: BTreeSet<String>,
    ) -> Result<Vec<String>, Error> {
        wanted.retain(|class| self.get(class).is_none());
        // Everything is owned, or the future would not be `Send`.
        let ask = |class: String| {
            let client = client.clone();
            async move {
                let answer = client.class(&class).await;
                (class, answer)
            }
        };
        let mut answers = stream::iter(wanted).map(ask).buffered(AT_ONCE);
        let mut missing = Vec::new();
        let mut learned = HashMap::new();
        while let Some((class, answer)) = answers.next().await {
            match answer {
                Ok(Some(info)) => {
                    let info = Arc::new(info);
                    self.known().classes.insert(class.clone(), Arc::clone(&info));
                    learned.insert(class, info);
                }
                Ok(None) => missing.push(class),
                // The server fails if it cannot list the files for a class. The prompt will show whether that
                // matters.
                // A proxy that tidies paths breaks the names of some classes.
                Err(error)
                    if matches!(
                        error.kind(),
                        ComfyErrorKind::Http { .. } | ComfyErrorKind::NotComfyUi { status: 404, .. }
                    ) =>
                {
                    tracing::debug!(%error, class, "a node class cannot be had");
                }
                Err(error) => return Err(Error::comfy(say!("cannot get the node classes"), error)),
            }
        }
        if !missing.is_empty() {
            self.replace(client, &mut missing).await;
        }
        if let Some(kept) = &self.kept {
            let version = self.known().version.clone();
            kept.add(version.as_deref(), learned);
        }
        Ok(missing)
    }

    /// Removes classes that the server replaces itself from the missing ones. Each is treated as its new class.
    async fn replace(&self, client: &Client, missing: &mut Vec<String>) {
        let Ok(replacements) = client.replacements().await else { return };
        for class in std::mem::take(missing) {
            match replacements.get(&class) {
                None => missing.push(class),
                Some(new) => {
                    if let Ok(Some(info)) = client.class(new).await {
                        self.known().classes.insert(class, Arc::new(info));
                    }
                }
            }
        }
    }

    /// The outputs of a workflow, without those that were dropped.
    pub(super) fn outputs(&self, graph: &Graph, dropped: &[NodeId]) -> Vec<NodeId> {
        let is_output = |class: &str| self.get(class).is_some_and(|class| class.output_node);
        let outputs = graph.nodes().iter().filter(|node| is_output(node.class_type.raw()));
        outputs.map(|node| node.id.clone()).filter(|id| !dropped.contains(id)).collect()
    }
}

fn unknown(graph: &Graph, missing: &[String]) -> Error {
    let named = missing.iter().map(|class| {
        let nodes = graph.nodes().iter().filter(|node| node.class_type.raw() == class);
        let nodes: Vec<_> = nodes.map(|node| node.id.as_str()).collect();
        say!("`{class}` (node {nodes})", class, nodes = nodes.join(", "))
    });
    let classes = named.reduce(|first, next| say!("{first}, {next}", first, next)).unwrap_or_default();
    let what = if missing.len() == 1 {
        say!("the server has no node class {class}", class = classes)
    } else {
        say!("the server has no node classes {classes}", classes)
    };
    let lacking =
        graph.nodes().iter().filter(|node| missing.iter().any(|class| node.class_type.raw() == class));
    let errors = lacking.map(|node| {
        let what = say!("the server has no node class {class}", class = &node.class_type);
        NodeError::new(node.id.clone(), "missing_node_type", what.to_string()).at(node.class_type.raw(), None)
    });
    Error::new(ErrorKind::Refused, what)
        .of_nodes(errors.collect())
        .with_hint(say!("install the custom nodes that provide it, restart the server, and run it again"))
}
