//! The status and results of a task as reported over HTTP, in the same types for every backend.

use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use crate::{
    Amount, Fact, FailureKind, FileUrl, NodeError, NodeId, Repeat, Sentence, SocketUrl, Untrusted, say,
};

/// The status of a task. Spellings differ between endpoints; see [`TaskStatus::parse`].
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TaskStatus {
    /// Accepted, not started (`CREATE`, `QUEUED`, `PENDING`; code 813).
    Queued,
    /// Running (`RUNNING`; code 804).
    Running,
    /// Succeeded, with results (`SUCCESS`; code 0 with a list).
    Success,
    /// Failed (`FAILED`; code 805).
    Failed,
    /// Cancelled (`CANCEL`, `CANCELLED`, `CANCELED`).
    Cancelled,
    /// A status that this version doesn't know. The task counts as running.
    #[serde(untagged)]
    Unknown(String),
}

impl TaskStatus {
    /// Parses any of the spellings seen in documentation and responses, in upper or lower case.
    pub fn parse(word: &str) -> Self {
        match word.to_ascii_uppercase().as_str() {
            "CREATE" | "CREATED" | "QUEUED" | "PENDING" => Self::Queued,
            "RUNNING" => Self::Running,
            "SUCCESS" | "SUCCEEDED" | "COMPLETED" | "FINISHED" => Self::Success,
            "FAILED" | "FAIL" | "ERROR" => Self::Failed,
            "CANCEL" | "CANCELLED" | "CANCELED" => Self::Cancelled,
            _ => Self::Unknown(word.to_owned()),
        }
    }

    /// The word used in output and logs: lower case, one for each status.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Unknown(word) => word,
        }
    }

    /// The status as a message.
    pub fn sentence(&self) -> Sentence {
        match self {
            Self::Queued => say!("queued"),
            Self::Running => say!("running"),
            Self::Success => say!("success"),
            Self::Failed => say!("failed"),
            Self::Cancelled => say!("cancelled"),
            Self::Unknown(word) => Sentence::verbatim(word),
        }
    }

    /// Whether the status can't change anymore.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Success | Self::Failed | Self::Cancelled)
    }
}

impl From<&TaskStatus> for Fact {
    fn from(status: &TaskStatus) -> Self {
        status.sentence().into()
    }
}

/// A response about a task.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The status.
    pub status: TaskStatus,
    /// The URL of the socket, if the response contains one.
    pub socket: Option<SocketUrl>,
    /// The results, in the order of the response. Empty before the end, and sometimes even then.
    pub outputs: Vec<OutputFile>,
    /// Why the task failed, if the response says so.
    pub failure: Option<Failure>,
    /// The cost of the task, if the response contains it.
    pub cost: Option<Cost>,
    /// The number of tasks that run before this one, if it is queued and the number is known.
    pub ahead: Option<u64>,
}

impl Observation {
    /// A response with nothing but a status.
    pub fn of(status: TaskStatus) -> Self {
        Self { status, socket: None, outputs: Vec::new(), failure: None, cost: None, ahead: None }
    }
}

/// One result of a task.
///
/// Its JSON contains the signed URL, but not the key of a native proxy: it is meant for the owner of the result.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutputFile {
    /// The node that produced it; results of models don't name one.
    pub node_id: Option<NodeId>,
    /// The download URL, valid for about a day.
    #[serde(serialize_with = "without_key")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub url: Option<FileUrl>,
    /// The type as reported by the server, usually a file extension such as `png`.
    #[serde(rename = "type")]
    pub file_type: Option<String>,
    /// A text result, for nodes that produce text instead of a file.
    pub text: Option<String>,
    /// The file itself, if it arrived over the socket and the server keeps no copy (`SaveImageWebsocket`). Not in JSON.
    #[serde(skip)]
    pub data: Option<Arc<[u8]>>,
}

#[expect(clippy::ref_option, reason = "serde passes references to fields")]
pub(crate) fn without_key<S: Serializer>(url: &Option<FileUrl>, serializer: S) -> Result<S::Ok, S::Error> {
    url.as_ref().map(FileUrl::without_key).serialize(serializer)
}

/// Why a task, or the command that would have made it, failed. Every part is optional: a task that was stopped fails
/// without any reason.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Failure {
    /// The node that raised the exception.
    pub node_id: Option<NodeId>,
    /// Its title or class.
    pub node: Option<Untrusted>,
    /// The exception's type, for example `OutOfMemoryError`.
    #[serde(rename = "type")]
    pub exception_type: Option<Untrusted>,
    /// The exception's or the platform's message.
    pub message: Option<Untrusted>,
    /// The platform's code, for example `805`.
    pub code: Option<String>,
    /// The class of the error. Set in an [`Outcome`](crate::Outcome), as are `hint` and `retry`.
    #[serde(default)]
    pub kind: Option<FailureKind>,
    /// A hint, in English.
    #[serde(default)]
    pub hint: Option<Sentence>,
    /// Whether the same command may be run again.
    #[serde(default)]
    pub retry: Option<Repeat>,
    /// The problems of single nodes, if a workflow was refused.
    #[serde(default)]
    pub errors: Vec<NodeError>,
    /// The Python traceback, one string a frame.
    #[serde(skip)]
    pub traceback: Vec<Untrusted>,
}

impl Failure {
    /// The same failure, with its class and with whether the command may be run again.
    #[must_use]
    pub fn classed(self, kind: FailureKind, created: bool) -> Self {
        Self { kind: Some(kind), retry: Some(kind.retry(created)), ..self }
    }

    /// Whether it contains more than the fact of the failure.
    pub fn has_reason(&self) -> bool {
        self.message.is_some() || self.exception_type.is_some()
    }
}

/// The cost of a task. Text, because the platform sends decimals as text; repeated rows are never summed.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Cost {
    /// RunningHub coins.
    pub coins: Option<String>,
    /// Money charged for the run time, from the wallet.
    pub money: Option<String>,
    /// Money charged by third parties (model vendors).
    pub third_party_money: Option<String>,
    /// Billed run time, in seconds.
    pub seconds: Option<String>,
}

impl Cost {
    /// The amount: in coins if reported, or else in money, including third-party charges. `None` if neither is
    /// reported.
    pub fn amount(&self) -> Option<Amount> {
        let read = |text: &Option<String>| text.as_deref()?.trim().parse::<Amount>().ok();
        let money = read(&self.money).into_iter().chain(read(&self.third_party_money)).reduce(Amount::plus);
        match read(&self.coins) {
            // A task paid with money may be reported with 0 coins.
            Some(Amount::ZERO) => money.or(Some(Amount::ZERO)),
            coins => coins.or(money),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_status_is_known() {
        for (word, status) in [
            ("CREATE", TaskStatus::Queued),
            ("queued", TaskStatus::Queued),
            ("Running", TaskStatus::Running),
            ("SUCCESS", TaskStatus::Success),
            ("FAILED", TaskStatus::Failed),
            ("CANCEL", TaskStatus::Cancelled),
            ("CANCELED", TaskStatus::Cancelled),
            ("CANCELLED", TaskStatus::Cancelled),
            ("PAUSED", TaskStatus::Unknown("PAUSED".into())),
        ] {
            assert_eq!(TaskStatus::parse(word), status);
        }
    }

    #[test]
    fn a_cost_is_coins_or_else_all_money() {
        let amount = |coins: Option<&str>, money: Option<&str>, third_party: Option<&str>| {
            let text = |text: Option<&str>| text.map(str::to_owned);
            let (coins, money, third_party_money) = (text(coins), text(money), text(third_party));
            Cost { coins, money, third_party_money, seconds: None }.amount().map(|amount| amount.to_string())
        };
        assert_eq!(amount(Some("12"), Some("0.5"), None).as_deref(), Some("12"));
        assert_eq!(amount(Some("0"), Some("0.5"), Some("0.25")).as_deref(), Some("0.75"));
        assert_eq!(amount(Some("0"), None, None).as_deref(), Some("0"));
        assert_eq!(amount(None, Some("0.5"), None).as_deref(), Some("0.5"));
        assert_eq!(amount(None, Some("much"), None), None);
    }
}
