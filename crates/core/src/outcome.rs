//! What the whole of a run comes to, as it is published.

use std::{borrow::Cow, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    Cost, Failure, FileUrl, NodeId, OutputFile, Phase, PromptId, TaskId,
    figures::{percent, seconds},
    task::without_key,
};

/// How it ended, and all that is known of it then.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Outcome {
    /// How it ended, in a word.
    pub status: Verdict,
    /// The exit code of the process; of this run alone where several are replayed.
    pub exit_code: u8,
    /// The task, where there is one.
    pub task_id: Option<TaskId>,
    /// The submit in the ledger of this machine, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt_id: Option<String>,
    /// ComfyUI's id of the run, in a replay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_id: Option<PromptId>,
    /// The overall figure, 0..=1 (in JSON 0–100).
    #[serde(rename = "percent", with = "percent")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>", range(min = 0, max = 100)))]
    pub overall: Option<f64>,
    /// Settled nodes.
    pub done: usize,
    /// Required nodes; unknown without a workflow.
    pub total: Option<usize>,
    /// The results, and what else was kept.
    pub outputs: Vec<Output>,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// What it cost, where that is known.
    pub cost: Option<Charge>,
    /// Since the start. Seconds in JSON.
    #[serde(rename = "elapsed_s", with = "seconds")]
    #[cfg_attr(feature = "schema", schemars(with = "f64"))]
    pub elapsed: Duration,
    /// HTTP requests to the API, the submit included.
    pub api_calls: u64,
}

/// The word for how it ended.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// Done.
    Success,
    /// The task failed.
    Failed,
    /// The task was cancelled.
    Cancelled,
    /// The recording shows that the run was stopped.
    Interrupted,
    /// Not over: the recording shows no end, or only the state was asked for.
    Running,
    /// Not watched any more; the task goes on.
    Detached,
    /// Stopped waiting; the task goes on.
    Timeout,
    /// It is unknown what became of the submit; it may have been charged.
    Unknown,
    /// The command could not do its work.
    #[default]
    Error,
}

/// One result. `path`, `bytes` and `sha256` are null where it was not saved.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Output {
    /// The node that made it; model calls name none.
    pub node_id: Option<NodeId>,
    /// Where it can be fetched for about a day; as in [`OutputFile`].
    #[serde(serialize_with = "without_key")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub url: Option<FileUrl>,
    /// What the server calls its type, as a rule a file extension such as `png`.
    #[serde(rename = "type")]
    pub file_type: Option<String>,
    /// A text result, for nodes that make text instead of a file.
    pub text: Option<String>,
    /// Where it was saved.
    pub path: Option<String>,
    /// The size of that file.
    pub bytes: Option<u64>,
    /// SHA-256 of that file, 64 hexadecimal digits.
    pub sha256: Option<String>,
    /// It is no result but something that a node has shown on the way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub intermediate: bool,
}

/// What it cost. Text, as the platform sends it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Charge {
    /// RunningHub coins.
    pub coins: Option<String>,
    /// Money for the run time.
    pub money: Option<String>,
    /// What third parties charged.
    pub third_party_money: Option<String>,
    /// Of both amounts of money: `CNY` on the Chinese site, `USD` on the other; null where that is not known.
    pub currency: Option<Cow<'static, str>>,
    /// Billed run time.
    pub seconds: Option<String>,
}

impl From<OutputFile> for Output {
    fn from(OutputFile { node_id, url, file_type, text, data: _ }: OutputFile) -> Self {
        Self { node_id, url, file_type, text, ..Self::default() }
    }
}

impl From<Phase> for Verdict {
    /// Whatever is not final still runs.
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Success => Self::Success,
            Phase::Failed => Self::Failed,
            Phase::Interrupted => Self::Cancelled,
            _ => Self::Running,
        }
    }
}

impl Charge {
    /// What a task has cost, in a currency.
    pub fn new(cost: Cost, currency: Option<&'static str>) -> Self {
        Self {
            coins: cost.coins,
            money: cost.money,
            third_party_money: cost.third_party_money,
            currency: currency.map(Cow::Borrowed),
            seconds: cost.seconds,
        }
    }
}
