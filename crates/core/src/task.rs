//! What an HTTP answer says about a task, in the same words for every backend.

use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use crate::{Fact, FileUrl, NodeId, Sentence, SocketUrl, Untrusted, say};

/// Where a task stands. Spellings differ between endpoints; see [`TaskStatus::parse`].
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TaskStatus {
    /// Accepted, not started (`CREATE`, `QUEUED`, `PENDING`; code 813).
    Queued,
    /// Running (`RUNNING`; code 804).
    Running,
    /// Over, and its results are there (`SUCCESS`; code 0 with a list).
    Success,
    /// Over without success (`FAILED`; code 805).
    Failed,
    /// Stopped by somebody (`CANCEL`, `CANCELLED`, `CANCELED`).
    Cancelled,
    /// A word that this version does not know. The task is taken to be running.
    #[serde(untagged)]
    Unknown(String),
}

impl TaskStatus {
    /// Reads any of the spellings seen in documents and answers, in upper or lower case.
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

    /// The word used in output and logs: lower case, one for each state.
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

    /// The word for people.
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

    /// Whether nothing will change any more.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Success | Self::Failed | Self::Cancelled)
    }
}

impl From<&TaskStatus> for Fact {
    fn from(status: &TaskStatus) -> Self {
        status.sentence().into()
    }
}

/// One answer about a task.
#[derive(Clone, Debug)]
pub struct Observation {
    /// Where the task stands.
    pub status: TaskStatus,
    /// The socket's address, if the answer named one.
    pub socket: Option<SocketUrl>,
    /// The results, in the order of the answer. Empty until the end, and possibly at the end too.
    pub outputs: Vec<OutputFile>,
    /// Why the task failed, if the answer said so.
    pub failure: Option<Failure>,
    /// What the task cost, if the answer said so.
    pub cost: Option<Cost>,
    /// How many tasks run before this one, where it waits and that is known.
    pub ahead: Option<u64>,
}

impl Observation {
    /// An answer that tells the status and nothing else.
    pub fn of(status: TaskStatus) -> Self {
        Self { status, socket: None, outputs: Vec::new(), failure: None, cost: None, ahead: None }
    }
}

/// One result of a task.
///
/// Its JSON has the signed link, without the key of a native proxy: it is for the person who paid for the result.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutputFile {
    /// The node that made it; model calls name none.
    pub node_id: Option<NodeId>,
    /// Where it can be fetched for about a day.
    #[serde(serialize_with = "without_key")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub url: Option<FileUrl>,
    /// What the server calls its type, as a rule a file extension such as `png`.
    #[serde(rename = "type")]
    pub file_type: Option<String>,
    /// A text result, for nodes that make text instead of a file.
    pub text: Option<String>,
    /// The file itself, if it came over the socket and the server keeps no copy (`SaveImageWebsocket`). Not in JSON.
    #[serde(skip)]
    pub data: Option<Arc<[u8]>>,
}

#[expect(clippy::ref_option, reason = "serde passes references to fields")]
pub(crate) fn without_key<S: Serializer>(url: &Option<FileUrl>, serializer: S) -> Result<S::Ok, S::Error> {
    url.as_ref().map(FileUrl::without_key).serialize(serializer)
}

/// Why a task failed. Every part is optional: a task that was stopped fails without any reason.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Failure {
    /// The node that raised.
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
    /// The Python traceback, one string a frame.
    #[serde(skip)]
    pub traceback: Vec<Untrusted>,
}

impl Failure {
    /// Whether it says more than that the task failed.
    pub fn has_reason(&self) -> bool {
        self.message.is_some() || self.exception_type.is_some()
    }
}

/// What a task cost. Text, since the platform sends decimals as text; never summed over repeated rows.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Cost {
    /// RunningHub coins.
    pub coins: Option<String>,
    /// Wallet money for the run time.
    pub money: Option<String>,
    /// What third parties (model vendors) charged.
    pub third_party_money: Option<String>,
    /// Billed run time, seconds.
    pub seconds: Option<String>,
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
}
