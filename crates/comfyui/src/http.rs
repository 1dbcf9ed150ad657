//! Sending: one place where bodies are capped, and where what is no ComfyUI is told apart.

use std::{
    borrow::Cow,
    time::{Duration, Instant},
};

use reqwest::{RequestBuilder, Response};
use runninghub_core::{Untrusted, repair};
use serde_json::Value;

use crate::{Client, Error, ErrorKind};

/// Longest answer that is read. A queue holds the whole workflow of each prompt; a class may list thousands of files.
const LONGEST: usize = 64 << 20;
/// Longest title that is shown of a page that is no ComfyUI.
const TITLE: usize = 80;

/// A finished request, for those who record.
#[derive(Debug)]
#[non_exhaustive]
pub struct Exchange<'a> {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path below the server's address, without a query.
    pub path: &'a str,
    /// The JSON that was sent, if any.
    pub request: Option<&'a str>,
    /// The HTTP status; `None` when no answer came.
    pub status: Option<u16>,
    /// The answer's text, or what went wrong.
    pub response: &'a str,
    /// When it was sent.
    pub started: Instant,
    /// How long it took.
    pub took: Duration,
}

/// One request.
pub(crate) struct Call<'a> {
    /// The name in errors and logs.
    pub(crate) name: &'static str,
    pub(crate) segments: &'a [&'a str],
}

/// A complete answer.
pub(crate) struct Answer {
    name: &'static str,
    pub(crate) status: u16,
    text: String,
}

impl Client {
    pub(crate) async fn get(&self, call: &Call<'_>) -> Result<Answer, Error> {
        let request = self.http().get(self.path(call.segments));
        self.send(call, "GET", None, request).await
    }

    pub(crate) async fn post(&self, call: &Call<'_>, json: String) -> Result<Answer, Error> {
        self.post_json(call, json, self.http().post(self.path(call.segments))).await
    }

    /// Queues something, over a connection of its own.
    pub(crate) async fn post_prompt(&self, call: &Call<'_>, json: String) -> Result<Answer, Error> {
        let request = self.prompts().post(self.path(call.segments)).timeout(Self::prompt_timeout());
        self.post_json(call, json, request).await
    }

    async fn post_json(
        &self,
        call: &Call<'_>,
        json: String,
        request: RequestBuilder,
    ) -> Result<Answer, Error> {
        let request = request.header(reqwest::header::CONTENT_TYPE, "application/json").body(json.clone());
        self.send(call, "POST", Some(&json), request).await
    }

    pub(crate) async fn send(
        &self,
        call: &Call<'_>,
        method: &'static str,
        body: Option<&str>,
        request: RequestBuilder,
    ) -> Result<Answer, Error> {
        self.count();
        let started = Instant::now();
        let result = exchange(call.name, request).await;
        let took = started.elapsed();
        let status = result.as_ref().ok().map(|answer| answer.status);
        tracing::debug!(call = call.name, status, ?took, "asked");
        let response = match &result {
            Ok(answer) => Cow::from(&answer.text),
            Err(error) => error.to_string().into(),
        };
        let path = format!("/{}", call.segments.join("/"));
        self.observe(&Exchange {
            method,
            path: &path,
            request: body,
            status,
            response: &response,
            started,
            took,
        });
        let answer = result?;
        match answer.status {
            401 | 403 | 407 => Err(answer.error(ErrorKind::Locked { status: answer.status })),
            // Redirects lead to a login, or to another service.
            300..=399 => Err(answer.foreign()),
            _ => Ok(answer),
        }
    }
}

async fn exchange(name: &'static str, request: RequestBuilder) -> Result<Answer, Error> {
    let lost = |error| Error::transport(name, error);
    let mut response = request.send().await.map_err(lost)?;
    let status = response.status().as_u16();
    let body = read(name, &mut response).await?;
    let text = String::from_utf8(body)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    Ok(Answer { name, status, text })
}

/// Counted as it comes, so that no length in a header and no compression can get around it.
async fn read(name: &'static str, response: &mut Response) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| Error::transport(name, error))? {
        if body.len() + chunk.len() > LONGEST {
            return Err(Error::new(name, ErrorKind::TooLarge { limit: LONGEST }));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON, whatever the status. Python wrote it: `NaN` and the like are repaired, but only when it is
    /// refused as it stands.
    pub(crate) fn any_json(&self) -> Option<Value> {
        serde_json::from_str(&self.text).ok().or_else(|| serde_json::from_str(&repair(&self.text)?).ok())
    }

    /// The object that a success has to be.
    pub(crate) fn object(&self) -> Result<Value, Error> {
        if !self.is_success() {
            return Err(self.failure());
        }
        self.any_json().filter(Value::is_object).ok_or_else(|| self.foreign())
    }

    /// A success without a body that matters.
    pub(crate) fn done(&self) -> Result<(), Error> {
        if self.is_success() { Ok(()) } else { Err(self.failure()) }
    }

    /// An HTTP error. A server that has none of ComfyUI's paths is none.
    pub(crate) fn failure(&self) -> Error {
        if self.status == 404 {
            return self.foreign();
        }
        self.error(ErrorKind::Http { status: self.status })
    }

    pub(crate) fn unexpected(&self, at: &'static str) -> Error {
        self.error(ErrorKind::Unexpected { at })
    }

    pub(crate) fn error(&self, kind: ErrorKind) -> Error {
        Error::new(self.name, kind)
    }

    fn foreign(&self) -> Error {
        self.error(ErrorKind::NotComfyUi { status: self.status, title: title(&self.text) })
    }
}

/// What a page calls itself.
fn title(page: &str) -> Option<Untrusted> {
    let (_, rest) = page.split_once("<title")?;
    let (_, rest) = rest.split_once('>')?;
    let (title, _) = rest.split_once('<')?;
    let short: String = title.trim().chars().take(TITLE).collect();
    (!short.is_empty()).then(|| short.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, text: &str) -> Answer {
        Answer { name: "test", status, text: text.to_owned() }
    }

    #[test]
    fn what_is_no_comfyui_is_told_apart() {
        for (status, text, told) in [
            (200, "<html><title> Router </title>", "test: a web page answers, `Router`, and no ComfyUI"),
            (200, "[]", "test: what answers is no ComfyUI (HTTP 200)"),
            (404, "not found", "test: what answers is no ComfyUI (HTTP 404)"),
            (502, "", "test: the server answered with HTTP 502"),
        ] {
            assert_eq!(answer(status, text).object().expect_err(text).to_string(), told);
        }
        let value = answer(200, r#"{"a": NaN, "b": "\ud83d"}"#).object().expect("repaired");
        assert_eq!(value["a"], Value::Null);
    }
}
