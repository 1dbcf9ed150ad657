//! The events of `--format json`, as they are written.

use runninghub::Untrusted;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    Model, Price,
    app::{App, Style},
};

/// One line of `rhub … --format json`. New events and new fields may come; what is here stays.
#[derive(Clone, Debug, JsonSchema, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
    /// The platform has accepted the task.
    Submitted(Submitted),
    /// What the platform says about the task.
    Status(Status),
    /// The workflow is known.
    Plan(Plan),
    /// The source of news has changed.
    Connection(Connection),
    /// A newer snapshot, complete by itself.
    Progress(Progress),
    /// A node has changed its state.
    Node(Node),
    /// A preview picture has come.
    Preview(Preview),
    /// Text that a node shows while it runs.
    Text(Text),
    /// A file is on its way, and takes its time.
    Transfer(Transfer),
    /// Something worth knowing that ends nothing.
    Warning(Warning),
    /// One result of the task.
    Output(Output),
    /// A submit of this machine (`tasks`, `resolve`).
    Task(Submit),
    /// What runs and what waits on a ComfyUI (`queue`).
    Queue(Queue),
    /// The nodes of a workflow and what can be set (`workflow show`).
    Workflow(Workflow),
    /// A model (`model list`, `model show`).
    Model(Model),
    /// What a run of a model would cost (`model price`).
    Price(Price),
    /// An AI app, with its fields where one was asked for (`app list`, `app show`).
    App(App),
    /// A model or a style of Quick Create (`quick styles`).
    Style(Style),
    /// What became of a webhook (`webhook show`).
    Webhook(super::app::Webhook),
    /// The account (`account`).
    Account(Account),
    /// How busy the key is (`queue`).
    Slots(super::Load),
    /// A key of the account (`account --keys`).
    Key(super::ListedKey),
    /// A model or a LoRA that workflows can load (`resources`).
    Resource(super::Resource),
    /// A medium that models can take (`assets`).
    Asset(super::Asset),
    /// A group of them (`assets group`).
    AssetGroup(super::AssetGroup),
    /// A file that the platform has (`upload`, `lora upload`).
    Upload(Upload),
    /// A setting of a profile (`config`).
    Setting(Setting),
    /// A profile with its key (`login`, `logout`).
    Profile(Profile),
    /// Something that was looked at (`doctor`).
    Check(Check),
    /// The address that is listened on (`simulate`, `webhook listen`).
    Listening(Listening),
    /// The last line, always.
    Result(Outcome),
}

/// A task that was accepted.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Submitted {
    pub(crate) task_id: String,
    /// The submit in the ledger of this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attempt_id: Option<String>,
    pub(crate) workflow_id: Option<String>,
    /// `cn`, `ai`, or `comfyui` for a server.
    pub(crate) site: String,
}

/// An answer about the task.
#[derive(Clone, Debug, JsonSchema, Serialize)]
#[expect(clippy::struct_field_names, reason = "they are the contract's")]
pub(crate) struct Status {
    /// `queued`, `running`, `success`, `failed`, `cancelled`, or a word of the platform that is new.
    pub(crate) status: String,
    /// Seconds since the task is being followed; 0 for a single question.
    pub(crate) waited_s: f64,
    /// How many run before it, where it waits on a ComfyUI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ahead: Option<u64>,
}

/// The prompts of a ComfyUI that are not over, by their ids.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Queue {
    pub(crate) running: Vec<String>,
    /// In the order in which they will run.
    pub(crate) pending: Vec<String>,
}

/// The workflow's nodes.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Plan {
    /// How many nodes are required.
    pub(crate) total: usize,
    pub(crate) nodes: Vec<PlanNode>,
}

/// One node of the workflow.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct PlanNode {
    pub(crate) id: String,
    #[schemars(with = "String")]
    pub(crate) title: Untrusted,
    #[schemars(with = "String")]
    pub(crate) class_type: Untrusted,
    /// Whether an output needs it.
    pub(crate) required: bool,
}

/// The state of the socket.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Connection {
    #[schemars(extend("enum" = ["connecting", "live", "stale", "reconnecting", "polling"]))]
    pub(crate) state: &'static str,
    /// How many times the socket has been dialled.
    pub(crate) attempt: u32,
}

/// How far the run is.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(crate) struct Progress {
    /// The share of the run's time that has passed, 0–100, never falling, 100 exactly on confirmed success; null while the
    /// workflow is unknown.
    #[schemars(range(min = 0, max = 100))]
    pub(crate) percent: Option<f64>,
    /// What `percent` and `eta_s` rest on: a first run of unknown nodes, one of known classes, or earlier runs.
    #[schemars(extend("enum" = ["first_run", "class_known", "learned"]))]
    pub(crate) basis: &'static str,
    /// The share of the work that is done, 0–100, by counting nodes and their steps.
    #[schemars(range(min = 0, max = 100))]
    pub(crate) counted: Option<f64>,
    /// Settled nodes.
    pub(crate) done: usize,
    /// Required nodes; null while the workflow is unknown.
    pub(crate) total: Option<usize>,
    /// What runs now, the node started last first.
    pub(crate) current: Vec<Current>,
    /// Seconds left, at best and at worst.
    pub(crate) eta_s: Option<[f64; 2]>,
}

/// A node that runs.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(crate) struct Current {
    pub(crate) id: String,
    #[schemars(with = "String")]
    pub(crate) title: Untrusted,
    /// The counter as the node reports it.
    pub(crate) value: Option<f64>,
    /// What the counter runs to.
    pub(crate) max: Option<f64>,
    /// 0–100, within this pass.
    #[schemars(range(min = 0, max = 100))]
    pub(crate) percent: Option<f64>,
    /// From 1; one more each time the counter starts over.
    pub(crate) pass: u32,
    /// How many passes there will be, if an earlier run has shown it.
    pub(crate) passes: Option<u32>,
}

/// A change of a node.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Node {
    pub(crate) id: String,
    #[schemars(with = "String")]
    pub(crate) title: Untrusted,
    #[schemars(extend("enum" = ["waiting", "running", "done", "cached", "skipped", "failed"]))]
    pub(crate) state: &'static str,
    pub(crate) elapsed_s: Option<f64>,
}

/// A preview, without its pixels.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Preview {
    pub(crate) node_id: Option<String>,
    pub(crate) mime: &'static str,
    pub(crate) bytes: usize,
}

/// Text of a node.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Text {
    pub(crate) node_id: String,
    #[schemars(with = "String")]
    pub(crate) text: Untrusted,
}

/// A warning.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Warning {
    /// A short, stable name.
    pub(crate) code: String,
    #[schemars(with = "String")]
    pub(crate) message: Untrusted,
}

/// One result. `path`, `bytes` and `sha256` are null where it was not saved.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(crate) struct Output {
    pub(crate) node_id: Option<String>,
    pub(crate) url: Option<String>,
    /// What the platform calls its type, as a rule a file extension.
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    /// A text result, for nodes that make text instead of a file.
    #[schemars(with = "Option<String>")]
    pub(crate) text: Option<Untrusted>,
    pub(crate) path: Option<String>,
    pub(crate) bytes: Option<u64>,
    pub(crate) sha256: Option<String>,
    /// It is no result but what a node has shown on the way (`--keep-intermediate`).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub(crate) intermediate: bool,
}

/// A submit, and what became of it.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Submit {
    /// Its name on this machine.
    pub(crate) attempt_id: String,
    #[schemars(extend("enum" = ["submitting", "waiting", "refused", "unknown", "absent", "accepted", "done", "failed", "cancelled", "gone"]))]
    pub(crate) state: &'static str,
    /// Null as long as there is none.
    pub(crate) task_id: Option<String>,
    pub(crate) workflow_id: Option<String>,
    /// What was submitted: `workflow`, or another kind of task.
    pub(crate) kind: String,
    /// The id of an app, the endpoint of a model.
    pub(crate) target: Option<String>,
    /// `cn` or `ai`.
    pub(crate) site: String,
    pub(crate) base_url: String,
    /// When it was submitted, RFC 3339 in UTC.
    pub(crate) submitted_at: String,
    /// When it last changed, RFC 3339 in UTC.
    pub(crate) changed_at: String,
    /// What is worth knowing about its state.
    #[schemars(with = "Option<String>")]
    pub(crate) note: Option<Untrusted>,
    pub(crate) cost: Option<Cost>,
    /// The folder into which all of its results were saved.
    pub(crate) saved: Option<String>,
    /// SHA-256 of the request without the key: equal requests have equal ones.
    pub(crate) body_sha256: String,
}

/// A workflow with the fields that `--set` can change.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Workflow {
    /// Null for a file.
    pub(crate) workflow_id: Option<String>,
    pub(crate) nodes: Vec<WorkflowNode>,
}

/// One node with its fields.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct WorkflowNode {
    pub(crate) id: String,
    #[schemars(with = "String")]
    pub(crate) title: Untrusted,
    #[schemars(with = "String")]
    pub(crate) class_type: Untrusted,
    /// Whether an output needs it.
    pub(crate) required: bool,
    /// Field names and the values they have now; fields that are linked to other nodes are left out.
    pub(crate) fields: Map<String, Value>,
}

/// What the account has. Amounts are text, as the platform sends them.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(crate) struct Account {
    pub(crate) coins: Option<String>,
    pub(crate) money: Option<String>,
    pub(crate) currency: Option<String>,
    /// The kind of key.
    pub(crate) key_type: Option<String>,
    /// Tasks that run now.
    pub(crate) running: Option<u64>,
    /// Tasks that wait in the platform's queue.
    pub(crate) queued: Option<u64>,
    /// How many tasks may run at once.
    pub(crate) slots: Option<u64>,
    /// Slots that are free now.
    pub(crate) free: Option<u64>,
}

/// A file that the platform has.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Upload {
    /// Where it is on this machine.
    pub(crate) file: String,
    /// For workflows and AI apps.
    pub(crate) file_name: String,
    /// For models; good for a day.
    pub(crate) download_url: Option<String>,
    /// What the platform takes it for.
    #[serde(rename = "type")]
    #[schemars(with = "Option<String>")]
    pub(crate) kind: Option<Untrusted>,
    /// It was there before, and nothing was sent.
    pub(crate) was_there: bool,
}

/// How far a file is on its way.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Transfer {
    #[schemars(extend("enum" = ["upload", "download"]))]
    pub(crate) direction: &'static str,
    /// Without the folder.
    pub(crate) name: String,
    /// What has gone over the line. Falls where the file has to begin again.
    pub(crate) bytes: u64,
    pub(crate) total: Option<u64>,
    /// Of the total, 0–100.
    pub(crate) percent: Option<f64>,
    #[serde(skip)]
    #[schemars(skip)]
    pub(crate) is_over: bool,
}

/// A setting of a profile.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Setting {
    pub(crate) profile: String,
    pub(crate) name: String,
    /// A key is `set` or `not set`, and nothing more is told of it.
    #[schemars(with = "String")]
    pub(crate) value: Untrusted,
}

/// A profile and its key, which is not shown.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Profile {
    pub(crate) name: String,
    /// Whether it has a key.
    pub(crate) has_key: bool,
    /// `cn` or `ai`; null for an address of its own.
    pub(crate) site: Option<String>,
    /// The kind of key, as the platform names it.
    #[schemars(with = "Option<String>")]
    pub(crate) key_type: Option<Untrusted>,
    /// The configuration file.
    pub(crate) path: String,
}

/// Something that was looked at.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Check {
    /// A short, stable name, such as `key` or `clock`.
    pub(crate) name: &'static str,
    pub(crate) ok: bool,
    /// What was found.
    #[schemars(with = "String")]
    pub(crate) message: Untrusted,
    /// What helps, where it is not well.
    #[schemars(with = "Option<String>")]
    pub(crate) cure: Option<Untrusted>,
    /// The exit code that it leads to; 0 where it is well.
    pub(crate) exit_code: u8,
}

/// Where the simulator or the receiver of webhooks listens.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Listening {
    /// For `--base-url`.
    pub(crate) base_url: String,
    /// A key that the simulator accepts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) api_key: Option<String>,
}

/// How it ended.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(crate) struct Outcome {
    pub(crate) status: End,
    /// The exit code of the process; of this run alone where several are replayed.
    pub(crate) exit_code: u8,
    pub(crate) task_id: Option<String>,
    /// The submit in the ledger of this machine, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attempt_id: Option<String>,
    /// ComfyUI's id of the run, in a replay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) prompt_id: Option<String>,
    #[schemars(range(min = 0, max = 100))]
    pub(crate) percent: Option<f64>,
    pub(crate) done: usize,
    pub(crate) total: Option<usize>,
    pub(crate) outputs: Vec<Output>,
    pub(crate) failure: Option<Cause>,
    pub(crate) cost: Option<Cost>,
    pub(crate) elapsed_s: f64,
    /// HTTP calls to the API, the submit included.
    pub(crate) api_calls: u64,
}

/// The word for how it ended.
#[derive(Clone, Copy, Debug, Default, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    /// Done.
    Success,
    /// The task failed.
    Failed,
    /// The task was cancelled.
    Cancelled,
    /// The recording shows that somebody stopped the run.
    Interrupted,
    /// Not over: the recording shows no end, or only the state was asked for.
    Running,
    /// Not watched any more; the task goes on.
    Detached,
    /// Stopped waiting; the task goes on.
    Timeout,
    /// Nobody knows what became of the submit; it may have been charged.
    Unknown,
    /// The command could not do its work.
    #[default]
    Error,
}

/// Why it failed.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(crate) struct Cause {
    pub(crate) node_id: Option<String>,
    /// Title or class of the node.
    #[schemars(with = "Option<String>")]
    pub(crate) node: Option<Untrusted>,
    /// The exception's type.
    #[serde(rename = "type")]
    #[schemars(with = "Option<String>")]
    pub(crate) kind: Option<Untrusted>,
    #[schemars(with = "Option<String>")]
    pub(crate) message: Option<Untrusted>,
    /// The platform's code.
    pub(crate) code: Option<String>,
}

/// What it cost. Text, as the platform sends it.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Cost {
    /// RunningHub coins.
    pub(crate) coins: Option<String>,
    /// Money for the run time.
    pub(crate) money: Option<String>,
    /// What third parties charged.
    pub(crate) third_party_money: Option<String>,
    /// Of both amounts of money: `CNY` on the Chinese site, `USD` on the other; null where that is not known.
    pub(crate) currency: Option<&'static str>,
    /// Billed run time.
    pub(crate) seconds: Option<String>,
}
