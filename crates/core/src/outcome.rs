//! The outcome of a run, as published.

use std::{borrow::Cow, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    Cost, Failure, FileUrl, NodeId, OutputFile, Phase, PromptId, TaskId,
    figures::{percent, seconds},
    task::without_key,
};

/// How a run or command ended, with everything known by then.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Outcome {
    /// How it ended.
    pub status: Verdict,
    /// The exit code of the process; if several runs are replayed, that of this run.
    pub exit_code: u8,
    /// The task, if there is one.
    pub task_id: Option<TaskId>,
    /// The id of the submit in this machine's ledger, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt_id: Option<String>,
    /// ComfyUI's id of the run, in a replay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_id: Option<PromptId>,
    /// Overall progress, 0..=1 (in JSON 0–100).
    #[serde(rename = "percent", with = "percent")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>", range(min = 0, max = 100)))]
    pub overall: Option<f64>,
    /// Number of settled nodes.
    pub done: usize,
    /// Number of required nodes; unknown without a workflow.
    pub total: Option<usize>,
    /// The results, and any intermediate files that were kept.
    pub outputs: Vec<Output>,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// The cost, if known.
    pub cost: Option<Charge>,
    /// Time since the start. Seconds in JSON.
    #[serde(rename = "elapsed_s", with = "seconds")]
    #[cfg_attr(feature = "schema", schemars(with = "f64"))]
    pub elapsed: Duration,
    /// Number of HTTP requests to the API, including the submit.
    pub api_calls: u64,
}

/// How a run or command ended.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// Succeeded.
    Success,
    /// The task failed.
    Failed,
    /// The task was cancelled.
    Cancelled,
    /// The recording shows that the run was interrupted.
    Interrupted,
    /// Not over yet: the recording has no end, or only the status was requested.
    Running,
    /// No longer followed; the task continues.
    Detached,
    /// Waiting timed out; the task continues.
    Timeout,
    /// The outcome of the submit is unknown; it may have been charged.
    Unknown,
    /// The command failed.
    #[default]
    Error,
}

/// One result. `path`, `bytes` and `sha256` are null if it wasn't saved.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Output {
    /// The node that produced it; results of models don't name one.
    pub node_id: Option<NodeId>,
    /// The download URL, valid for about a day; as in [`OutputFile`].
    #[serde(serialize_with = "without_key")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub url: Option<FileUrl>,
    /// The type as reported by the server, usually a file extension such as `png`.
    #[serde(rename = "type")]
    pub file_type: Option<String>,
    /// A text result, for nodes that produce text instead of a file.
    pub text: Option<String>,
    /// The path it was saved to.
    pub path: Option<String>,
    /// The size of that file, in bytes.
    pub bytes: Option<u64>,
    /// The SHA-256 of that file, as 64 hexadecimal digits.
    pub sha256: Option<String>,
    /// Whether it isn't a result, but an intermediate file that a node showed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub intermediate: bool,
}

/// The cost, as the platform's text.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Charge {
    /// RunningHub coins.
    pub coins: Option<String>,
    /// Money charged for the run time.
    pub money: Option<String>,
    /// Money charged by third parties (model vendors).
    pub third_party_money: Option<String>,
    /// The currency of both amounts: `CNY` on the Chinese site, `USD` on the international one; null if unknown.
    pub currency: Option<Cow<'static, str>>,
    /// Billed run time, in seconds.
    pub seconds: Option<String>,
    /// The same as numbers.
    #[serde(default)]
    pub numbers: Amounts,
}

/// The amounts of a [`Charge`] as numbers; null if absent.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Amounts {
    /// RunningHub coins.
    pub coins: Option<f64>,
    /// Money for the run time.
    pub money: Option<f64>,
    /// The charge of third-party services.
    pub third_party_money: Option<f64>,
    /// Billed run time.
    pub seconds: Option<f64>,
}

impl From<OutputFile> for Output {
    fn from(OutputFile { node_id, url, file_type, text, data: _ }: OutputFile) -> Self {
        Self { node_id, url, file_type, text, ..Self::default() }
    }
}

impl From<Phase> for Verdict {
    /// Phases that aren't final count as running.
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
    /// Creates a charge from a task's cost and its currency.
    pub fn new(cost: Cost, currency: Option<&'static str>) -> Self {
        let number = |text: &Option<String>| text.as_deref().and_then(number);
        Self {
            numbers: Amounts {
                coins: number(&cost.coins),
                money: number(&cost.money),
                third_party_money: number(&cost.third_party_money),
                seconds: number(&cost.seconds),
            },
            coins: cost.coins,
            money: cost.money,
            third_party_money: cost.third_party_money,
            currency: currency.map(Cow::Borrowed),
            seconds: cost.seconds,
        }
    }
}

/// The amount in a text that the platform sent; `None` if it is no finite number.
pub fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_numbers_too_where_they_are_some() {
        let text = |text: &str| Some(text.to_owned());
        let cost =
            Cost { coins: text("12"), money: text(" 0.14"), third_party_money: text("n/a"), seconds: None };
        let numbers = Charge::new(cost, Some("CNY")).numbers;
        assert_eq!(numbers, Amounts { coins: Some(12.0), money: Some(0.14), ..Amounts::default() });
        for odd in ["", "NaN", "inf", "1e999", "12 coins"] {
            assert_eq!(number(odd), None, "{odd}");
        }
    }
}
