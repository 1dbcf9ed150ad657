//! `POST /api/jobs/{id}/cancel`.

use crate::{Client, Error, http::Call};

pub(crate) async fn cancel(client: &Client, prompt_id: &str) -> Result<Option<bool>, Error> {
    let call = Call { name: "cancel", segments: &["api", "jobs", prompt_id, "cancel"] };
    let answer = client.post(&call, "{}".to_owned()).await?;
    match (answer.status, answer.any_json()) {
        // A job that is not known has an answer of its own; a path that is not known has a page.
        (404, Some(json)) if json.get("error").is_some() => Ok(Some(false)),
        (404 | 405, _) => Ok(None),
        (_, json) => {
            answer.done()?;
            Ok(Some(json.is_none_or(|json| json["cancelled"] != false)))
        }
    }
}
