//! What is said about batches.

use std::{collections::BTreeMap, time::Duration};

use runninghub::{Charge, Failure, Output, Sentence};
use runninghub_batch::{Action, Item, ItemState, Set, Setting};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// What is wrong with a source, or worth knowing about it, and where.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct BatchProblem {
    /// The source.
    pub(crate) source: Sentence,
    /// Whether it has to be mended before anything is sent.
    pub(crate) fatal: bool,
    /// The row as a spreadsheet counts them: the header is row 1.
    pub(crate) row: Option<u64>,
    /// The line of a text file, from 1.
    pub(crate) line: Option<u64>,
    /// The column, or the key.
    pub(crate) column: Option<String>,
    /// What is wrong.
    pub(crate) message: Sentence,
    /// What to do about it.
    pub(crate) cure: Option<Sentence>,
    /// With its place, for people.
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
    /// Where its rows come from.
    pub(crate) source: Sentence,
    /// SHA-256 of the source.
    pub(crate) spec_sha256: String,
    /// `cn`, `ai`, `comfyui`, or another place.
    pub(crate) site: String,
    /// Where requests go.
    pub(crate) base_url: String,
    /// What runs: `workflow`, `app`, `quick`, `model` or `prompt`.
    pub(crate) kind: String,
    /// The id of the workflow or app, the endpoint of the model, or SHA-256 of the graph.
    pub(crate) target: String,
    /// The rows, repeats included.
    pub(crate) rows: usize,
    /// The fields that rows set.
    pub(crate) fields: Vec<String>,
    /// Different files that rows name.
    pub(crate) files: usize,
    /// The size of these files, in bytes.
    pub(crate) file_bytes: u64,
    /// The folder of the results, if one is known.
    pub(crate) folder: Option<String>,
    /// What happens to the rows.
    pub(crate) counts: Counts,
    /// Rows that failed and are left, by the class of the failure.
    pub(crate) failed: BTreeMap<String, usize>,
    /// Rows that were refused and are left, by class.
    pub(crate) refused: BTreeMap<String, usize>,
    /// The first rows whose values differ from those that ran.
    pub(crate) changes: Vec<BatchChange>,
    /// The first rows that the source no longer has.
    pub(crate) gone: Vec<String>,
    /// The first rows of which nobody knows whether they have a task, with their submits.
    pub(crate) unknown: Vec<Unknown>,
    /// How many rows start.
    pub(crate) starts: usize,
    /// What these cost, by earlier runs; null if none are known.
    pub(crate) cost: Option<PlannedCost>,
    /// How long these take, by earlier runs; null if none are known, or the number of slots is not.
    pub(crate) time: Option<PlannedTime>,
    /// What runs, for people.
    #[serde(skip)]
    pub(crate) target_name: String,
    /// What happens to the rows, in lines.
    #[serde(skip)]
    pub(crate) lines: Vec<Sentence>,
}

/// How many rows what happens to.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(crate) struct Counts {
    /// They start: the ledger doesn't have them.
    pub(crate) new: usize,
    /// They start: they were not started yet.
    pub(crate) ready: usize,
    /// They start again: they ended without success.
    pub(crate) retry: usize,
    /// Nothing: they are done.
    pub(crate) done: usize,
    /// Their files are downloaded: they are done, but files are missing or changed.
    pub(crate) fetch: usize,
    /// Their tasks are followed.
    pub(crate) adopt: usize,
    /// Nothing: nobody knows whether they have a task.
    pub(crate) unknown: usize,
    /// Nothing: they failed.
    pub(crate) failed: usize,
    /// Nothing: they were refused.
    pub(crate) refused: usize,
    /// Nothing: they were cancelled.
    pub(crate) cancelled: usize,
    /// Their values differ from those that ran.
    pub(crate) changed: usize,
    /// Nothing, until it is decided which values count.
    pub(crate) asked: usize,
    /// Nothing: the same ran in another batch, and its results are taken.
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

/// A row of which nobody knows whether it has a task.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Unknown {
    /// The row's id.
    pub(crate) item: String,
    /// Its submit.
    pub(crate) attempt_id: String,
}

/// What rows cost, by earlier runs.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct PlannedCost {
    /// All rows that start, at the mean.
    pub(crate) all: Charge,
    /// The mean of a row.
    pub(crate) each: Charge,
    /// What nine of ten rows cost at most.
    pub(crate) most: Charge,
    /// How many earlier runs this comes from.
    pub(crate) runs: usize,
}

/// How long rows take together.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct PlannedTime {
    /// One batch in ten takes less than this.
    pub(crate) low_s: f64,
    /// The middle.
    pub(crate) middle_s: f64,
    /// One batch in ten takes more than this.
    pub(crate) high_s: f64,
    /// How many slots this is for.
    pub(crate) slots: usize,
    /// How many earlier runs this comes from.
    pub(crate) runs: usize,
}

/// A row, and what happens to it (`batch plan --rows`).
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct BatchItem {
    /// The name of the batch.
    pub(crate) batch: String,
    /// The row's id.
    pub(crate) item: String,
    /// Where it stands.
    #[schemars(with = "String", extend("enum" = ItemState::ALL.map(ItemState::as_str)))]
    pub(crate) state: ItemState,
    /// What happens to it.
    #[serde(serialize_with = "word")]
    #[schemars(with = "String", extend("enum" = ["nothing", "fetch", "adopt", "hold", "leave", "run", "ask"]))]
    pub(crate) action: Action,
    /// The row or line it comes from.
    pub(crate) row: u64,
    /// The folder of its results, relative to that of the batch.
    pub(crate) out: String,
    /// SHA-256 of what it runs.
    pub(crate) fingerprint: String,
    /// The machine; null for the platform's default.
    pub(crate) instance: Option<String>,
    /// Fields and their values: `text`, `json`, or `file` with its SHA-256 (`batch plan --rows`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Map<String, Value>>")]
    pub(crate) set: Option<Set<Setting>>,
    /// Its submit in the ledger; null before it was sent.
    pub(crate) attempt_id: Option<String>,
    /// What it cost; null if that is unknown.
    pub(crate) cost: Option<Charge>,
    /// Its results.
    pub(crate) outputs: Vec<Output>,
    /// Why it failed or was refused.
    pub(crate) failure: Option<Failure>,
    /// What equal failures have in common: `node 9`, `content`.
    pub(crate) class: Option<String>,
    /// Why it failed or was refused, for people.
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

/// How far a batch is (`batch run`), at most once a second.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct BatchProgress {
    /// The name of the batch.
    pub(crate) batch: String,
    /// Expected work that is done, of all, 0–100.
    pub(crate) percent: f64,
    /// All rows.
    pub(crate) rows: usize,
    /// How many rows stand where.
    pub(crate) counts: BTreeMap<&'static str, usize>,
    /// What the batch has cost, in coins or in money.
    pub(crate) spent: String,
    /// What is set aside for rows that run, in the same.
    pub(crate) reserved: String,
    /// The most that it may cost, in the same.
    pub(crate) max_cost: Option<String>,
    /// Slots in use, with those of others as far as they are known; null before they were counted.
    pub(crate) slots_busy: Option<u32>,
    /// The slots of the key; null if the platform doesn't say.
    pub(crate) slots_limit: Option<u32>,
    /// Slots in use by tasks from elsewhere; null before they were counted.
    pub(crate) slots_elsewhere: Option<u32>,
    /// How long it still takes: in one of ten cases less, in one of ten more; null while that isn't known.
    pub(crate) eta_s: Option<[f64; 2]>,
    /// The rows that run, for people.
    #[serde(skip)]
    pub(crate) running: Vec<RowProgress>,
    /// What the next row waits for, for people.
    #[serde(skip)]
    pub(crate) wait: Option<Sentence>,
}

/// How far a row of a batch is.
#[derive(Clone, Debug)]
pub(crate) struct RowProgress {
    /// The row's id.
    pub(crate) item: String,
    /// How far it is, 0..=1.
    pub(crate) fraction: Option<f64>,
    /// What it does now.
    pub(crate) stage: Option<Sentence>,
    /// How long it still takes.
    pub(crate) eta: Option<Duration>,
}

/// What happens to a row, in a word.
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
    /// Where its rows come from.
    pub(crate) source: String,
    /// `cn`, `ai`, `comfyui`, or another place.
    pub(crate) site: String,
    /// Where requests go.
    pub(crate) base_url: String,
    /// What runs: `workflow`, `app`, `quick`, `model` or `prompt`.
    pub(crate) kind: String,
    /// The id of the workflow or app, the endpoint of the model, or SHA-256 of the graph.
    pub(crate) target: String,
    /// How many rows stand where.
    pub(crate) counts: BTreeMap<&'static str, usize>,
    /// The folder of the results.
    pub(crate) folder: Option<String>,
    /// When it was started first, RFC 3339 in UTC.
    pub(crate) created_at: String,
    /// When it was started last, RFC 3339 in UTC.
    pub(crate) opened_at: String,
}
