//! Whose fault a refusal or a failure is, and what it has in common with others.

use std::sync::Arc;

use runninghub::{Code, Error, ErrorKind, api::Class};
use runninghub_core::Failure;

use crate::Fault;

/// What a create that made no task means for its row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Refusal {
    /// The row was taken back before it was sent.
    Withdrawn,
    /// The ledger allows no more money.
    TooExpensive,
    /// The service can't be reached: nothing is wrong with the row or the key.
    Unreachable,
    /// Whose fault it is, and what equal refusals have in common.
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

/// What equal refusals have in common.
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

/// What equal failures have in common.
pub(super) fn class_of_failure(failure: Option<&Failure>) -> Arc<str> {
    let node = failure.and_then(|failure| failure.node_id.as_ref());
    match (node, failure.and_then(|failure| failure.code.as_deref())) {
        (Some(node), _) => format!("node {}", node.as_str()).into(),
        (None, Some(code)) => format!("code {code}").into(),
        (None, None) => "".into(),
    }
}
