//! From what the library tells to what is written.

use std::time::Duration;

use jiff::Timestamp;
use runninghub::{
    Direction, Failure, FileProgress, FileUrl, NodeState, OutputFile, SavedFile, Site, Untrusted,
    ledger::Entry,
};

use super::{Cause, Connection, Cost, Current, Node, Output, Plan, PlanNode, Progress, Submit, Transfer};

/// Seconds with milliseconds: what follows is noise.
pub(crate) fn seconds(span: Duration) -> f64 {
    (span.as_secs_f64() * 1000.0).round() / 1000.0
}

/// Two digits after the point, and never a 100 that is not one.
fn percent(fraction: f64) -> f64 {
    let rounded = (fraction * 10_000.0).round() / 100.0;
    if fraction < 1.0 { rounded.clamp(0.0, 99.99) } else { 100.0 }
}

impl From<&runninghub::Plan> for Plan {
    fn from(plan: &runninghub::Plan) -> Self {
        let nodes = plan.nodes().iter().map(|node| PlanNode {
            id: node.id.to_string(),
            title: node.title.clone(),
            class_type: node.class_type.clone(),
            required: node.required,
        });
        Self { total: plan.total(), nodes: nodes.collect() }
    }
}

impl From<&runninghub::Connection> for Connection {
    fn from(connection: &runninghub::Connection) -> Self {
        Self { state: connection.state.as_str(), attempt: connection.attempt }
    }
}

impl From<&runninghub::Progress> for Progress {
    fn from(progress: &runninghub::Progress) -> Self {
        Self {
            percent: progress.overall.map(percent),
            basis: progress.basis.as_str(),
            counted: progress.counted.map(percent),
            done: progress.done,
            total: progress.total,
            current: progress.current.iter().map(Current::from).collect(),
            eta_s: progress.eta.map(|eta| [seconds(eta.low), seconds(eta.high)]),
        }
    }
}

impl From<FileProgress<'_>> for Transfer {
    fn from(file: FileProgress<'_>) -> Self {
        let fraction = |total| if total > 0 { file.bytes as f64 / total as f64 } else { 1.0 };
        Self {
            direction: if file.direction == Direction::Up { "upload" } else { "download" },
            name: file.name.to_owned(),
            bytes: file.bytes,
            total: file.total,
            percent: file.total.map(|total| percent(fraction(total))),
            is_over: file.is_over,
        }
    }
}

impl From<&runninghub::CurrentNode> for Current {
    fn from(node: &runninghub::CurrentNode) -> Self {
        let finite = |number: Option<f64>| number.filter(|number| number.is_finite());
        Self {
            id: node.id.to_string(),
            title: node.title.clone(),
            value: finite(node.value),
            max: finite(node.max),
            // A full counter inside one node is no promise about the task.
            percent: node.fraction.map(|fraction| (fraction * 10_000.0).round() / 100.0),
            pass: node.pass,
            passes: node.passes,
        }
    }
}

impl Node {
    /// A change of a node.
    pub(crate) fn new(id: &str, title: &Untrusted, state: NodeState, elapsed: Option<Duration>) -> Self {
        Self {
            id: id.to_owned(),
            title: title.clone(),
            state: state.as_str(),
            elapsed_s: elapsed.map(seconds),
        }
    }
}

impl Output {
    /// The same, with the file that it has become.
    pub(crate) fn saved(self, file: &SavedFile) -> Self {
        Self {
            path: Some(file.path.to_string_lossy().into_owned()),
            bytes: Some(file.bytes),
            sha256: Some(file.sha256.clone()),
            ..self
        }
    }
}

impl From<&OutputFile> for Output {
    fn from(output: &OutputFile) -> Self {
        Self {
            node_id: output.node_id.as_ref().map(ToString::to_string),
            // The one place where the signed link is told: to the person who paid for the result.
            url: output.url.as_ref().map(FileUrl::without_key),
            kind: output.file_type.clone(),
            text: output.text.clone().map(Untrusted::from),
            ..Self::default()
        }
    }
}

impl From<&Failure> for Cause {
    fn from(failure: &Failure) -> Self {
        Self {
            node_id: failure.node_id.as_ref().map(ToString::to_string),
            node: failure.node.clone(),
            kind: failure.exception_type.clone(),
            message: failure.message.clone(),
            code: failure.code.clone(),
        }
    }
}

impl From<&Entry> for Submit {
    fn from(entry: &Entry) -> Self {
        Self {
            attempt_id: entry.attempt.to_string(),
            state: entry.state.as_str(),
            task_id: entry.task.as_ref().map(ToString::to_string),
            workflow_id: entry.intent.workflow.as_ref().map(ToString::to_string),
            target: entry.intent.target.clone(),
            kind: entry.intent.kind.to_string(),
            site: entry.intent.place.to_string(),
            base_url: entry.intent.place.url().to_owned(),
            submitted_at: time(entry.created_ms),
            changed_at: time(entry.changed_ms),
            note: entry.note.clone().map(Untrusted::from),
            cost: entry.cost.as_ref().map(|cost| Cost::of(cost, Some(entry.intent.place.url()))),
            saved: entry.saved.clone(),
            body_sha256: entry.intent.body.to_string(),
        }
    }
}

/// RFC 3339 in UTC, to the second; empty for a time that no calendar knows.
fn time(ms: u64) -> String {
    let stamp = i64::try_from(ms / 1000).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    stamp.map(|stamp| stamp.to_string()).unwrap_or_default()
}

impl Cost {
    /// What a task has cost at this address. Each site has its own currency.
    pub(crate) fn of(cost: &runninghub::Cost, base_url: Option<&str>) -> Self {
        let currencies = [(Site::Cn, "CNY"), (Site::Ai, "USD")];
        let is_there = |site: Site| base_url == Some(site.base_url());
        Self {
            currency: currencies.into_iter().find(|(site, _)| is_there(*site)).map(|(_, name)| name),
            coins: cost.coins.clone(),
            money: cost.money.clone(),
            third_party_money: cost.third_party_money.clone(),
            seconds: cost.seconds.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_is_shown_only_when_it_is_one() {
        assert!((percent(0.5375) - 53.75).abs() < f64::EPSILON);
        assert!((percent(0.999_999) - 99.99).abs() < f64::EPSILON);
        assert!((percent(1.0) - 100.0).abs() < f64::EPSILON);
    }
}
