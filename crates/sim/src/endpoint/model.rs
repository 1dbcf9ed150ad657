//! `POST /openapi/v2/{endpoint}`: runs a model. Responds with the bare task object, or with an error object alone.

use serde_json::Value;

use super::{query, v2_key};
use crate::{answer::Answer, call::Call, model::Model, state::State};

pub(super) const PATH: &str = "/openapi/v2/{*endpoint}";
const FAMILY: &str = "/openapi/v2/";

pub(super) fn answer(state: &State, call: &Call) -> Answer {
    run(state, call).unwrap_or_else(|refusal| refusal)
}

fn run(state: &State, call: &Call) -> Result<Answer, Answer> {
    let (key, model) = key_and_model(state, call, FAMILY)?;
    let full =
        || Answer::v2_error("1520", "The number of concurrent tasks of the user has reached the limit");
    let task = state.create_of_model(key, &model).ok_or_else(full)?;
    // A quick task is over already, and its response contains the results.
    Ok(Answer::json(query::task_object(state, &task)))
}

/// The key and the model of a request, with values that the model accepts.
pub(super) fn key_and_model<'a>(
    state: &State,
    call: &'a Call,
    family: &str,
) -> Result<(&'a str, Model), Answer> {
    let key = v2_key(state, call)
        .ok_or_else(|| Answer::v2_error("1601", "ApiKey verification failed, please check your ApiKey"))?;
    let endpoint = call.path.strip_prefix(family).unwrap_or_default();
    let model = state.model(endpoint).ok_or_else(|| Answer::v2_error("1001", "Invalid URL"))?;
    if state.is_consumer(key) {
        return Err(Answer::v2_error(
            "1014",
            "Only enterprise-shared API keys can call the standard model API",
        ));
    }
    let no_body = &Value::Null;
    let checked = model.check(call.body().unwrap_or(no_body));
    checked.map_err(|why| Answer::v2_error("1007", &format!("Invalid parameters: {why}")))?;
    Ok((key, model))
}
