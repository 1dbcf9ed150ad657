//! `POST /openapi/v2/aiapp/list`: apps, page by page. Their ids appear only in the examples.

use serde_json::{Value, json};

use super::v2_key;
use crate::{answer::Answer, call::Call, state::State};

pub(super) const PATH: &str = "/openapi/v2/aiapp/list";

pub(super) fn answer(state: &State, call: &Call) -> Answer {
    if v2_key(state, call).is_none() {
        return Answer::code(401, "ApiKey verification failed", Value::Null);
    }
    let sorted = matches!(call.text("sort").as_deref(), Some("RECOMMEND" | "HOTTEST" | "NEWEST"));
    let numbers = (call.count("current"), call.count("size").filter(|size| (1..=50).contains(size)));
    let (Some(current @ 1..), Some(size), true) = (numbers.0, numbers.1, sorted) else {
        return Answer::params_invalid();
    };
    let records = state.apps().map(|(id, app)| {
        json!({
            "title": app.name,
            "description": format!("{} fields", app.fields.len()),
            "cover": null,
            "invokeExample": format!("curl -X POST '{}/openapi/v2/run/ai-app/{id}' -H 'Authorization: Bearer <key>'", state.base_url),
        })
    });
    Answer::ok(page(records.collect(), current, size))
}

/// One page of records; all numbers are strings, flags are not.
pub(super) fn page(all: Vec<Value>, current: usize, size: usize) -> Value {
    let (total, pages) = (all.len(), all.len().div_ceil(size));
    let records: Vec<Value> = all.into_iter().skip((current - 1) * size).take(size).collect();
    json!({
        "records": records,
        "size": size.to_string(),
        "current": current.to_string(),
        "total": total.to_string(),
        "pages": pages.to_string(),
        "hasNext": current < pages,
        "hasPrevious": current > 1,
    })
}
