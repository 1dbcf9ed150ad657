//! Unknown paths and methods; both families have their own codes for them.

use serde_json::Value;

use crate::{answer::Answer, call::Call, state::State};

pub(super) fn path(_: &State, call: &Call) -> Answer {
    if call.path.starts_with("/openapi/v2/") {
        return Answer::v2_error("1001", "Invalid URL");
    }
    Answer::code(412, "TOKEN_INVALID", Value::Null)
}

/// Only v2 has this error; the legacy family reports a wrong method as an unknown path.
pub(super) fn method(_: &State, _: &Call) -> Answer {
    Answer::v2_error("1009", "Request method not supported")
}
