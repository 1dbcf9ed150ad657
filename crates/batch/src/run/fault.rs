//! Whose fault a refusal or a failure is, and its class.

use std::sync::Arc;

use runninghub::{Code, Error, ErrorKind, api::Class, sentence_of};
use runninghub_core::{Charge, Failure, Outcome, Sentence, say};

use crate::{Amount, Fault};

/// What a failed create means for its row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Refusal {
    /// The row was withdrawn before it was sent.
    Withdrawn,
    /// The ledger allows no more money.
    TooExpensive,
    /// The service can't be reached: nothing is wrong with the row or the key.
    Unreachable,
    /// Whose fault it is, and the class of the refusal.
    Refused(Fault, Arc<str>),
}

impl Refusal {
    pub(super) fn of(error: &Error) -> Self {
        match (error.kind(), error.class()) {
            (ErrorKind::Withdrawn, _) => Self::Withdrawn,
            (ErrorKind::TooExpensive, _) => Self::TooExpensive,
            (_, Some(Class::Auth | Class::Quota)) => Self::Refused(Fault::Key, class_of(error)),
            _ if error.refuses_key() => Self::Refused(Fault::Key, class_of(error)),
            (_, Some(Class::Server)) => Self::Refused(Fault::Platform, class_of(error)),
            (ErrorKind::Network, _) => Self::Unreachable,
            _ => Self::Refused(Fault::Row, class_of(error)),
        }
    }
}

/// The class of a refusal.
fn class_of(error: &Error) -> Arc<str> {
    match (error.code(), error.class()) {
        (_, Some(Class::Content)) => "content".into(),
        (Some(code), _) => format!("code {}", code.as_str()).into(),
        (None, _) => error.sentence().to_string().into(),
    }
}

/// Whose fault the failure of a task is.
pub(super) fn of_failure(failure: Option<&Failure>) -> Fault {
    let code = failure.and_then(|failure| failure.code.as_deref());
    let known = code.and_then(|code| Code::all().find(|known| known.as_str() == code));
    // A model that took too long isn't the row's fault either.
    let is_late = code == Some("1504");
    match known.map(|code| code.class()) {
        Some(Class::Server) => Fault::Platform,
        _ if is_late => Fault::Platform,
        _ => Fault::Row,
    }
}

/// The class of a failure.
pub(super) fn class_of_failure(failure: Option<&Failure>) -> Arc<str> {
    let node = failure.and_then(|failure| failure.node_id.as_ref());
    match (node, failure.and_then(|failure| failure.code.as_deref())) {
        (Some(node), _) => format!("node {}", node.as_str()).into(),
        (None, Some(code)) => format!("code {code}").into(),
        (None, None) => "".into(),
    }
}

/// The amount of a charge.
pub(super) fn amount(charge: &Charge) -> Option<Amount> {
    let Charge { coins, money, third_party_money, .. } = charge.clone();
    runninghub::Cost { coins, money, third_party_money, seconds: None }.amount()
}

/// An error in the published format.
pub(super) fn published(error: &Error) -> Failure {
    let failure = Failure {
        message: Some(sentence_of(error).to_string().into()),
        code: error.code().map(ToString::to_string),
        hint: error.hint().cloned(),
        errors: error.node_errors().to_vec(),
        ..Failure::default()
    };
    failure.classed(error.failure_kind(), false)
}

/// Why a task failed.
pub(super) fn words(outcome: &Outcome) -> Sentence {
    let Some(failure) = &outcome.failure else { return say!("the task failed") };
    let node = failure
        .node
        .as_ref()
        .map(ToString::to_string)
        .or_else(|| failure.node_id.as_ref().map(ToString::to_string));
    let what = failure.message.as_ref().or(failure.exception_type.as_ref()).map(ToString::to_string);
    match (node, what) {
        (Some(node), Some(what)) => say!("node {node}: {what}", node, what),
        (Some(node), None) => say!("node {node} failed", node),
        (None, Some(what)) => Sentence::verbatim(what),
        (None, None) => say!("the task failed"),
    }
}
