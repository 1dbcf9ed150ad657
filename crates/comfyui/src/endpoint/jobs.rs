//! `GET /api/jobs/{id}` and `POST /api/jobs/{id}/cancel`.

use crate::{Client, Error, http::Call};

/// Where a prompt stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Job {
    /// It waits; the queue tells where.
    Pending,
    /// It runs.
    Running,
    /// It is over; the history tells how.
    Over,
    /// The server does not know it.
    Absent,
    /// The server does not have jobs.
    Unsupported,
    /// No answer of use.
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
        // A job that is not known has an answer of its own; a path that is not known has a page.
        (404, Some(json)) if json.get("error").is_some() => Ok(Some(false)),
        (404 | 405, _) => Ok(None),
        (_, json) => {
            answer.done()?;
            Ok(Some(json.is_none_or(|json| json["cancelled"] != false)))
        }
    }
}
