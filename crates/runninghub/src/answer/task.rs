//! Submits, queues, uploads, prices and workflows.

use jiff::Timestamp;
use runninghub_api::ModelPrice;
use runninghub_core::{Charge, NodeId, Plan, PromptId, TaskId, Untrusted, WorkflowId, link, number};
use runninghub_ledger::{Entry, State};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::currency;
use crate::{Given, Recipe, recipe};

/// A submit of this machine, and its outcome.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Task {
    /// Its name on this machine.
    pub attempt_id: String,
    /// How far it is.
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("enum" = State::ALL.map(State::as_str))))]
    pub state: State,
    /// Null if there is none yet.
    pub task_id: Option<TaskId>,
    /// The workflow, where it is a saved one.
    pub workflow_id: Option<WorkflowId>,
    /// The kind of task: `workflow`, or another one.
    pub kind: String,
    /// The id of an app, the endpoint of a model.
    pub target: Option<String>,
    /// `cn` or `ai`.
    pub site: String,
    /// The base URL.
    pub base_url: String,
    /// When it was submitted, RFC 3339 in UTC.
    pub submitted_at: String,
    /// The same in milliseconds since 1970, for local times.
    #[serde(skip)]
    pub submitted_ms: u64,
    /// When it last changed, RFC 3339 in UTC.
    pub changed_at: String,
    /// Details about its state.
    pub note: Option<Untrusted>,
    /// Its cost, if known.
    pub cost: Option<Charge>,
    /// The folder into which all of its results were saved.
    pub saved: Option<String>,
    /// SHA-256 of the request without the key: equal requests have equal ones.
    pub body_sha256: String,
    /// The user's label.
    pub label: Option<String>,
    /// The fields that were set and their values: `text`, `written` or `json`, `file` with its SHA-256, or `hidden`;
    /// null for a submit of an older version.
    #[cfg_attr(feature = "schema", schemars(with = "Option<Map<String, Value>>"))]
    #[serde(serialize_with = "given")]
    pub set: Option<Vec<(String, Given)>>,
}

/// The prompts of a ComfyUI that are not over, by their ids.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Queue {
    /// Those that run.
    pub running: Vec<PromptId>,
    /// In the order in which they will run.
    pub pending: Vec<PromptId>,
}

/// A file that the platform has.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Upload {
    /// Its path on this machine.
    pub file: String,
    /// For workflows and AI apps.
    pub file_name: String,
    /// For models; good for a day.
    pub download_url: Option<String>,
    /// Its type, according to the platform.
    #[serde(rename = "type")]
    pub kind: Option<Untrusted>,
    /// It was there before, and nothing was sent.
    pub was_there: bool,
}

/// The platform's estimate of the cost of a model run.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Price {
    /// The model, as named in the request.
    pub model: String,
    /// As the platform writes it; null if it doesn't report it.
    pub amount: Option<String>,
    /// The amount as a number.
    pub number: Option<f64>,
    /// Of the amount.
    pub currency: Option<Untrusted>,
    /// The same in the platform's words.
    pub text: Option<Untrusted>,
    /// Whether this run would be free.
    pub free: bool,
    /// The number of free runs left.
    pub free_calls: Option<u64>,
}

/// A workflow with the fields that can be set.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Workflow {
    /// Null for a file.
    pub workflow_id: Option<WorkflowId>,
    /// Its nodes, in order.
    pub nodes: Vec<WorkflowNode>,
}

/// One node with its fields.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WorkflowNode {
    /// Its id.
    pub id: NodeId,
    /// Its title, or else its class, or else its id.
    pub title: Untrusted,
    /// Its class.
    pub class_type: Untrusted,
    /// Whether an output needs it.
    pub required: bool,
    /// Field names and the values they have now; fields that are linked to other nodes are left out.
    pub fields: Map<String, Value>,
}

#[expect(clippy::ref_option, reason = "serde calls it so")]
fn given<S: Serializer>(set: &Option<Vec<(String, Given)>>, serializer: S) -> Result<S::Ok, S::Error> {
    match set {
        Some(set) => recipe::write(set, serializer),
        None => serializer.serialize_none(),
    }
}

impl From<&Entry> for Task {
    fn from(entry: &Entry) -> Self {
        let place = &entry.intent.place;
        Self {
            attempt_id: entry.attempt.to_string(),
            state: entry.state,
            task_id: entry.task.clone(),
            workflow_id: entry.intent.workflow.clone(),
            target: entry.intent.target.clone(),
            kind: entry.intent.kind.to_string(),
            site: place.to_string(),
            base_url: place.url().to_owned(),
            submitted_at: time(entry.created_ms),
            submitted_ms: entry.created_ms,
            changed_at: time(entry.changed_ms),
            note: entry.note.clone().map(Untrusted::from),
            cost: entry.cost.clone().map(|cost| Charge::new(cost, currency(place))),
            saved: entry.saved.clone(),
            body_sha256: entry.intent.body.to_string(),
            label: entry.intent.label.clone(),
            set: Recipe::kept(entry).map(|recipe| recipe.set),
        }
    }
}

impl From<crate::Queue> for Queue {
    fn from(queue: crate::Queue) -> Self {
        let ids = |list: Vec<crate::Queued>| list.into_iter().map(|one| one.prompt_id).collect();
        Self { running: ids(queue.running), pending: ids(queue.pending) }
    }
}

impl Price {
    /// The platform's answer for a model.
    pub fn of(model: &str, price: ModelPrice) -> Self {
        Self {
            model: model.to_owned(),
            number: price.estimated_price.as_deref().and_then(number),
            amount: price.estimated_price,
            currency: price.currency,
            text: price.text.or(price.text_zh),
            free: price.is_free,
            free_calls: price.free_calls,
        }
    }
}

impl Workflow {
    /// A workflow, with its id where it is a saved one.
    pub fn of(workflow_id: Option<WorkflowId>, workflow: &crate::Workflow) -> Self {
        let plan = Plan::new(workflow.graph(), &[]);
        let nodes = workflow.graph().nodes().iter().zip(plan.nodes()).map(|(node, planned)| WorkflowNode {
            id: node.id.clone(),
            title: node.name(),
            class_type: node.class_type.clone(),
            required: planned.required,
            fields: node
                .inputs
                .iter()
                .filter(|(_, value)| link(value).is_none())
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        });
        Self { workflow_id, nodes: nodes.collect() }
    }
}

/// A time in milliseconds since 1970 as RFC 3339 in UTC, to the second; empty for one that no calendar knows.
pub fn time(ms: u64) -> String {
    let stamp = i64::try_from(ms / 1000).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    stamp.map(|stamp| stamp.to_string()).unwrap_or_default()
}
