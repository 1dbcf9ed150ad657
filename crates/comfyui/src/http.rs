//! Sends requests: the only place that limits bodies and detects servers that are not a ComfyUI.

use std::{borrow::Cow, time::Duration};

use reqwest::RequestBuilder;
use runninghub_core::{Untrusted, repair};
use runninghub_net::{ErrorKind as NetErrorKind, Exchange, page_title, read_text};
use serde_json::Value;
use tokio::time::Instant;

use crate::{Client, Error, ErrorKind};

/// Timeout of a request. A server whose worker holds Python's lock responds late, but within seconds.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Timeout of a prompt: the validation of large workflows loads lists of files. Giving up early would only increase
/// the number of prompts with unknown outcome.
const PROMPT_TIMEOUT: Duration = Duration::from_mins(2);
/// Maximum size of a response, bytes. A queue contains the whole workflow of each prompt; a class may list thousands
/// of files.
const LONGEST: usize = 64 << 20;

/// One request.
pub(crate) struct Call<'a> {
    /// The name in logs.
    pub(crate) name: &'static str,
    pub(crate) segments: &'a [&'a str],
}

/// A complete response.
pub(crate) struct Answer {
    pub(crate) status: u16,
    text: String,
}

impl Client {
    pub(crate) async fn get(&self, call: &Call<'_>) -> Result<Answer, Error> {
        let request = self.pooled()?.get(self.request_url(call.segments)).timeout(TIMEOUT);
        self.send(call, "GET", None, request).await
    }

    pub(crate) async fn post(&self, call: &Call<'_>, json: String) -> Result<Answer, Error> {
        let request = self.pooled()?.post(self.request_url(call.segments)).timeout(TIMEOUT);
        self.post_json(call, json, request).await
    }

    /// Queues a prompt, over a new connection.
    pub(crate) async fn post_prompt(&self, call: &Call<'_>, json: String) -> Result<Answer, Error> {
        let client = self.http().fresh().map_err(Error::net)?;
        let request = client.post(self.request_url(call.segments)).timeout(PROMPT_TIMEOUT);
        self.post_json(call, json, request).await
    }

    pub(crate) fn pooled(&self) -> Result<reqwest::Client, Error> {
        self.http().pooled().map_err(Error::net)
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
        let result = exchange(request).await;
        let took = started.elapsed();
        let status = result.as_ref().ok().map(|answer| answer.status);
        tracing::debug!(call = call.name, status, ?took, "responded");
        let response = match &result {
            Ok(answer) => Cow::from(&answer.text),
            Err(error) => error.to_string().into(),
        };
        let path = format!("/{}", call.segments.join("/"));
        self.net().finished(&Exchange {
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
            401 | 403 | 407 => Err(Error::new(ErrorKind::Locked { status: answer.status })),
            // Redirects lead to a login page, or to another service.
            300..=399 => Err(answer.foreign()),
            _ => Ok(answer),
        }
    }
}

async fn exchange(request: RequestBuilder) -> Result<Answer, Error> {
    let mut response = request.send().await.map_err(Error::request)?;
    let status = response.status().as_u16();
    let (text, is_whole) = read_text(&mut response, LONGEST).await.map_err(Error::request)?;
    if !is_whole {
        let limit = LONGEST as u64;
        return Err(Error::new(ErrorKind::Net(NetErrorKind::TooLarge { limit })));
    }
    Ok(Answer { status, text })
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON, whatever the status. Python writes `NaN` and the like, which are repaired, but only if
    /// parsing fails.
    pub(crate) fn any_json(&self) -> Option<Value> {
        serde_json::from_str(&self.text).ok().or_else(|| serde_json::from_str(&repair(&self.text)?).ok())
    }

    /// The JSON object of a response that has to be a success.
    pub(crate) fn object(&self) -> Result<Value, Error> {
        if !self.is_success() {
            return Err(self.failure());
        }
        self.any_json().filter(Value::is_object).ok_or_else(|| self.foreign())
    }

    /// Checks for success and ignores the body.
    pub(crate) fn done(&self) -> Result<(), Error> {
        if self.is_success() { Ok(()) } else { Err(self.failure()) }
    }

    /// An HTTP error. A server without any of ComfyUI's paths is not a ComfyUI.
    pub(crate) fn failure(&self) -> Error {
        if self.status == 404 {
            return self.foreign();
        }
        Error::new(ErrorKind::Http { status: self.status })
    }

    fn foreign(&self) -> Error {
        Error::new(ErrorKind::NotComfyUi {
            status: self.status,
            title: page_title(&self.text).map(Untrusted::from),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, text: &str) -> Answer {
        Answer { status, text: text.to_owned() }
    }

    #[test]
    fn servers_other_than_comfyui_are_recognized() {
        for (status, text, expected) in [
            (200, "<html><title> Router </title>", "a web page titled `Router` answered instead of ComfyUI"),
            (200, "[]", "the server is not ComfyUI (HTTP 200)"),
            (404, "not found", "the server is not ComfyUI (HTTP 404)"),
            (502, "", "the server responded with HTTP 502"),
        ] {
            assert_eq!(answer(status, text).object().expect_err(text).to_string(), expected);
        }
        let value = answer(200, r#"{"a": NaN, "b": "\ud83d"}"#).object().expect("repaired");
        assert_eq!(value["a"], Value::Null);
    }
}
