//! Paths and methods that do not exist; both families have codes of their own for them.

use serde_json::Value;

use crate::{answer::Answer, call::Call, state::State};

pub(super) fn path(_: &State, call: &Call) -> Answer {
    if call.path.starts_with("/openapi/v2/") {
        return Answer::v2_error("1001", "Invalid URL");
    }
    Answer::code(412, "TOKEN_INVALID", Value::Null)
}

/// Known of v2 only; the legacy family takes a wrong method for an unknown path.
pub(super) fn method(_: &State, _: &Call) -> Answer {
    Answer::v2_error("1009", "Request method not supported")
}
