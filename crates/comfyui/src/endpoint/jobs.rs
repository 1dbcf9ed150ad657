//! `GET /api/jobs/{id}` and `POST /api/jobs/{id}/cancel`.

use crate::{Client, Error, http::Call};

/// The status of a prompt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Job {
    /// Queued; see the queue for its position.
    Pending,
    /// Running.
    Running,
    /// Over; see the history for the result.
    Over,
    /// The server does not know it.
    Absent,
    /// The server does not have jobs.
    Unsupported,
    /// No usable response.
    Unclear,
}

pub(crate) async fn get(client: &Client, prompt_id: &str) -> Result<Job, Error> {
    let answer = client.get(&Call { name: "job", segments: &["api", "jobs", prompt_id] }).await?;
    let json = answer.any_json();
    let status = json.as_ref().and_then(|json| json["status"].as_str());
    Ok(match (answer.status, status) {
        (200, Some("pending")) => Job::Pending,
        (200, Some("in_progress")) => Job::Running,
        (200, Some("completed" | "failed" | "cancelled")) => Job::Over,
        (404, _) if json.as_ref().is_some_and(|json| json.get("error").is_some()) => Job::Absent,
        (404 | 405, _) => Job::Unsupported,
        _ => Job::Unclear,
    })
}

pub(crate) async fn cancel(client: &Client, prompt_id: &str) -> Result<Option<bool>, Error> {
    let call = Call { name: "cancel", segments: &["api", "jobs", prompt_id, "cancel"] };
    let answer = client.post(&call, "{}".to_owned()).await?;
    match (answer.status, answer.any_json()) {
        // An unknown job gets a JSON response; an unknown path gets a page.
        (404, Some(json)) if json.get("error").is_some() => Ok(Some(false)),
        (404 | 405, _) => Ok(None),
        (_, json) => {
            answer.done()?;
            Ok(Some(json.is_none_or(|json| json["cancelled"] != false)))
        }
    }
}
