//! Events of batches.

use std::{collections::BTreeMap, time::Duration};

use runninghub::{Charge, Failure, Output, Sentence};
use runninghub_batch::{Action, Item, ItemState, Set, Setting};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// A problem or a warning about a source, with its location.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct BatchProblem {
    /// The source.
    pub(crate) source: Sentence,
    /// Whether it has to be fixed before anything is sent.
    pub(crate) fatal: bool,
    /// The row, numbered as in a spreadsheet: the header is row 1.
    pub(crate) row: Option<u64>,
    /// The line of a text file, from 1.
    pub(crate) line: Option<u64>,
    /// The column, or the key.
    pub(crate) column: Option<String>,
    /// What is wrong.
    pub(crate) message: Sentence,
    /// How to fix it.
    pub(crate) cure: Option<Sentence>,
    /// The problem with its location, for display.
    #[serde(skip)]
    pub(crate) sentence: Sentence,
}

/// What a run of a batch would do (`batch plan`).
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct BatchPlan {
    /// The name of the batch.
    pub(crate) batch: String,
    /// Whether the ledger has the batch already.
    pub(crate) is_known: bool,
    /// The source of its rows.
    pub(crate) source: Sentence,
    /// SHA-256 of the source.
    pub(crate) spec_sha256: String,
    /// `cn`, `ai`, `comfyui`, or another place.
    pub(crate) site: String,
    /// The base URL.
    pub(crate) base_url: String,
    /// The kind of task: `workflow`, `app`, `quick`, `model` or `prompt`.
    pub(crate) kind: String,
    /// The id of the workflow or app, the endpoint of the model, or SHA-256 of the graph.
    pub(crate) target: String,
    /// The number of rows, including repeats.
    pub(crate) rows: usize,
    /// The fields that rows set.
    pub(crate) fields: Vec<String>,
    /// The number of different files that rows name.
    pub(crate) files: usize,
    /// The size of these files, in bytes.
    pub(crate) file_bytes: u64,
    /// The folder of the results, if known.
    pub(crate) folder: Option<String>,
    /// The planned actions.
    pub(crate) counts: Counts,
    /// Failed rows that are left alone, by class of failure.
    pub(crate) failed: BTreeMap<String, usize>,
    /// Refused rows that are left alone, by class.
    pub(crate) refused: BTreeMap<String, usize>,
    /// The first rows whose values differ from those that ran.
    pub(crate) changes: Vec<BatchChange>,
    /// The first rows that the source no longer has.
    pub(crate) gone: Vec<String>,
    /// The first rows that may or may not have a task, with their submits.
    pub(crate) unknown: Vec<Unknown>,
    /// How many rows start.
    pub(crate) starts: usize,
    /// Their estimated cost, from earlier runs; null if there are none.
    pub(crate) cost: Option<PlannedCost>,
    /// Their estimated duration, from earlier runs; null if there are none, or the number of slots is unknown.
    pub(crate) time: Option<PlannedTime>,
    /// The target, for display.
    #[serde(skip)]
    pub(crate) target_name: String,
    /// The planned actions, one per line.
    #[serde(skip)]
    pub(crate) lines: Vec<Sentence>,
}

/// The number of rows by planned action.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(crate) struct Counts {
    /// Start: they are not in the ledger.
    pub(crate) new: usize,
    /// Start: they have not been started yet.
    pub(crate) ready: usize,
    /// Start again: they ended without success.
    pub(crate) retry: usize,
    /// Nothing: they are done.
    pub(crate) done: usize,
    /// Their files are downloaded: they are done, but files are missing or changed.
    pub(crate) fetch: usize,
    /// Their tasks are followed.
    pub(crate) adopt: usize,
    /// Nothing: they may or may not have a task.
    pub(crate) unknown: usize,
    /// Nothing: they failed.
    pub(crate) failed: usize,
    /// Nothing: they were refused.
    pub(crate) refused: usize,
    /// Nothing: they were cancelled.
    pub(crate) cancelled: usize,
    /// Their values differ from those that ran.
    pub(crate) changed: usize,
    /// Nothing, until you decide which values to use.
    pub(crate) asked: usize,
    /// Nothing: the results of an identical row of another batch are used.
    pub(crate) reuse: usize,
    /// Nothing: the source no longer has them.
    pub(crate) gone: usize,
}

/// A row whose values differ from those that ran.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct BatchChange {
    /// The row's id.
    pub(crate) item: String,
    /// What differs.
    pub(crate) fields: Vec<FieldChange>,
}

/// A field whose value differs.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct FieldChange {
    /// The field, or `target`, `place` or `instance`.
    pub(crate) field: String,
    /// The value that ran.
    pub(crate) before: Option<String>,
    /// The value of the source.
    pub(crate) now: Option<String>,
}

/// A row that may or may not have a task.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Unknown {
    /// The row's id.
    pub(crate) item: String,
    /// Its submit.
    pub(crate) attempt_id: String,
}

/// The estimated cost of rows, from earlier runs.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct PlannedCost {
    /// The total of all rows that start, at the mean.
    pub(crate) all: Charge,
    /// The mean cost of a row.
    pub(crate) each: Charge,
    /// The 90th percentile of a row's cost.
    pub(crate) most: Charge,
    /// The number of earlier runs used.
    pub(crate) runs: usize,
}

/// The estimated duration of all rows.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct PlannedTime {
    /// One batch in ten takes less than this.
    pub(crate) low_s: f64,
    /// The middle.
    pub(crate) middle_s: f64,
    /// One batch in ten takes more than this.
    pub(crate) high_s: f64,
    /// The number of slots assumed.
    pub(crate) slots: usize,
    /// The number of earlier runs used.
    pub(crate) runs: usize,
}

/// A row, and its planned action (`batch plan --rows`).
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct BatchItem {
    /// The name of the batch.
    pub(crate) batch: String,
    /// The row's id.
    pub(crate) item: String,
    /// Its state.
    #[schemars(with = "String", extend("enum" = ItemState::ALL.map(ItemState::as_str)))]
    pub(crate) state: ItemState,
    /// The planned action.
    #[serde(serialize_with = "word")]
    #[schemars(with = "String", extend("enum" = ["nothing", "fetch", "adopt", "hold", "leave", "run", "ask"]))]
    pub(crate) action: Action,
    /// The row or line it comes from.
    pub(crate) row: u64,
    /// The folder of its results, relative to that of the batch.
    pub(crate) out: String,
    /// SHA-256 of what it runs.
    pub(crate) fingerprint: String,
    /// The instance type; null for the platform's default.
    pub(crate) instance: Option<String>,
    /// Fields and their values: `text`, `json`, or `file` with its SHA-256 (`batch plan --rows`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Map<String, Value>>")]
    pub(crate) set: Option<Set<Setting>>,
    /// Its submit in the ledger; null before it was sent.
    pub(crate) attempt_id: Option<String>,
    /// Its cost; null if unknown.
    pub(crate) cost: Option<Charge>,
    /// Its results.
    pub(crate) outputs: Vec<Output>,
    /// Why it failed or was refused.
    pub(crate) failure: Option<Failure>,
    /// The class of the failure, such as `node 9` or `content`.
    pub(crate) class: Option<String>,
    /// Why it failed or was refused, for display.
    #[serde(skip)]
    pub(crate) why: Option<Sentence>,
}

impl BatchItem {
    /// A row that has not run.
    pub(crate) fn new(batch: &str, item: &Item, state: ItemState, action: Action) -> Self {
        Self {
            batch: batch.to_owned(),
            item: item.id.as_str().to_owned(),
            state,
            action,
            row: item.row,
            out: item.out.clone(),
            fingerprint: item.fingerprint.to_string(),
            instance: item.instance.clone(),
            set: None,
            attempt_id: None,
            cost: None,
            outputs: Vec::new(),
            failure: None,
            class: None,
            why: None,
        }
    }
}

/// The progress of a batch (`batch run`), at most once a second.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct BatchProgress {
    /// The name of the batch.
    pub(crate) batch: String,
    /// The share of the expected work that is done, 0–100.
    pub(crate) percent: f64,
    /// All rows.
    pub(crate) rows: usize,
    /// The number of rows by state.
    pub(crate) counts: BTreeMap<&'static str, usize>,
    /// The cost so far, in coins or money.
    pub(crate) spent: String,
    /// The amount set aside for running rows, in the same unit.
    pub(crate) reserved: String,
    /// The cost limit, in the same unit.
    pub(crate) max_cost: Option<String>,
    /// The number of slots in use, including known ones of others; null before they were counted.
    pub(crate) slots_busy: Option<u32>,
    /// The number of slots of the key; null if the platform doesn't report it.
    pub(crate) slots_limit: Option<u32>,
    /// The number of slots used by tasks from elsewhere; null before they were counted.
    pub(crate) slots_elsewhere: Option<u32>,
    /// The time left, as the 10th and the 90th percentile; null while unknown.
    pub(crate) eta_s: Option<[f64; 2]>,
    /// The running rows, for display.
    #[serde(skip)]
    pub(crate) running: Vec<RowProgress>,
    /// What the next row waits for, for display.
    #[serde(skip)]
    pub(crate) wait: Option<Sentence>,
}

/// The progress of a row of a batch.
#[derive(Clone, Debug)]
pub(crate) struct RowProgress {
    /// The row's id.
    pub(crate) item: String,
    /// Its progress, 0..=1.
    pub(crate) fraction: Option<f64>,
    /// Its current activity.
    pub(crate) stage: Option<Sentence>,
    /// The time left.
    pub(crate) eta: Option<Duration>,
}

/// The planned action of a row, in a word.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn word<S: Serializer>(action: &Action, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match action {
        Action::Nothing => "nothing",
        Action::Fetch => "fetch",
        Action::Adopt => "adopt",
        Action::Hold => "hold",
        Action::Leave => "leave",
        Action::Run(_) => "run",
        Action::Ask => "ask",
    })
}

/// A batch of this machine (`batch ls`).
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct ListedBatch {
    /// Its name.
    pub(crate) batch: String,
    /// The source of its rows.
    pub(crate) source: String,
    /// `cn`, `ai`, `comfyui`, or another place.
    pub(crate) site: String,
    /// The base URL.
    pub(crate) base_url: String,
    /// The kind of task: `workflow`, `app`, `quick`, `model` or `prompt`.
    pub(crate) kind: String,
    /// The id of the workflow or app, the endpoint of the model, or SHA-256 of the graph.
    pub(crate) target: String,
    /// The number of rows by state.
    pub(crate) counts: BTreeMap<&'static str, usize>,
    /// The folder of the results.
    pub(crate) folder: Option<String>,
    /// When it was started first, RFC 3339 in UTC.
    pub(crate) created_at: String,
    /// When it was started last, RFC 3339 in UTC.
    pub(crate) opened_at: String,
}
