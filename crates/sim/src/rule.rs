//! Scripted responses: they replace the real response, or modify it.

use std::{
    pin::Pin,
    sync::atomic::{AtomicU32, Ordering},
    task::{Context, Poll},
};

use axum::{
    body::{Body, to_bytes},
    http::{HeaderName, HeaderValue, Response, StatusCode, header::CONTENT_LENGTH},
    response::IntoResponse,
};
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame};

use crate::answer::Lost;

/// Maximum size of a response that is buffered for modification.
const MOST: usize = 64 * 1024 * 1024;
/// The placeholder for the simulator's own URL in texts of rules.
const BASE: &str = "{base}";

/// A scripted HTTP fault: requests to a path get this response instead of the real one, or the real one with a
/// change.
///
/// A rule applies to every request, or to some consecutive ones ([`Rule::skip`], [`Rule::times`]); the first of
/// several matching rules is used. `{base}` in its texts is replaced by the simulator's URL.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a rule does nothing until a simulator has it"]
pub struct Rule {
    path: String,
    skip: u32,
    times: u32,
    /// Whether the request is processed before the rule is applied.
    done: bool,
    act: Act,
}

#[derive(Clone, Debug, PartialEq)]
enum Act {
    Answer { status: u16, headers: Vec<(String, String)>, body: Bytes, missing: u64 },
    Hang,
    Lose,
    Replace { from: String, to: String },
}

impl Rule {
    /// Responds with a status and a body, as `application/json` unless [`Rule::header`] says otherwise. The rule
    /// applies to paths that begin with `path`.
    pub fn answer(path: impl Into<String>, status: u16, body: impl Into<Bytes>) -> Self {
        Self::new(path, Act::Answer { status, headers: Vec::new(), body: body.into(), missing: 0 })
    }

    /// Never responds, and keeps the connection open.
    pub fn hang(path: impl Into<String>) -> Self {
        Self::new(path, Act::Hang)
    }

    /// Closes the connection without a response.
    pub fn lose(path: impl Into<String>) -> Self {
        Self::new(path, Act::Lose)
    }

    /// Replaces `from` by `to` in the body of the real response.
    pub fn replace(path: impl Into<String>, from: impl Into<String>, to: impl Into<String>) -> Self {
        let act = Act::Replace { from: from.into(), to: to.into() };
        Self { done: true, ..Self::new(path, act) }
    }

    fn new(path: impl Into<String>, act: Act) -> Self {
        Self { path: path.into(), skip: 0, times: u32::MAX, done: false, act }
    }

    /// Adds a header to a scripted response; has no effect on other rules.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let Act::Answer { headers, .. } = &mut self.act {
            headers.push((name.into(), value.into()));
        }
        self
    }

    /// Announces this many bytes more than it sends, then closes the connection. Has no effect on rules other than
    /// [`Rule::answer`].
    pub fn cut(mut self, bytes: u64) -> Self {
        if let Act::Answer { missing, .. } = &mut self.act {
            *missing = bytes;
        }
        self
    }

    /// Processes the request first: a create creates its task and costs money, whatever the response is.
    pub fn after_work(mut self) -> Self {
        self.done = true;
        self
    }

    /// Skips the first N requests.
    pub fn skip(mut self, requests: u32) -> Self {
        self.skip = requests;
        self
    }

    /// Ends after N requests.
    pub fn times(mut self, requests: u32) -> Self {
        self.times = requests;
        self
    }
}

/// The rules of a simulator, with their counters.
#[derive(Debug)]
pub(crate) struct Rules {
    rules: Vec<(Rule, Counts)>,
    base_url: String,
}

#[derive(Debug, Default)]
struct Counts {
    seen: AtomicU32,
    applied: AtomicU32,
}

/// A rule that applies to a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held<'a> {
    rule: &'a Rule,
    counts: &'a Counts,
    base_url: &'a str,
}

impl Rules {
    pub(crate) fn new(rules: Vec<Rule>, base_url: String) -> Self {
        Self { rules: rules.into_iter().map(|rule| (rule, Counts::default())).collect(), base_url }
    }

    /// The rule for the next request to a path.
    pub(crate) fn next(&self, path: &str) -> Option<Held<'_>> {
        let mut held = None;
        for (rule, counts) in self.rules.iter().filter(|(rule, _)| path.starts_with(&rule.path)) {
            // Counted even if another rule applies.
            let seen = counts.seen.fetch_add(1, Ordering::Relaxed);
            if seen >= rule.skip && seen - rule.skip < rule.times {
                held = held.or(Some((rule, counts)));
            }
        }
        held.map(|(rule, counts)| Held { rule, counts, base_url: &self.base_url })
    }

    /// How often each rule was applied.
    pub(crate) fn applied(&self) -> Vec<u32> {
        self.rules.iter().map(|(_, counts)| counts.applied.load(Ordering::Relaxed)).collect()
    }
}

impl Held<'_> {
    /// Whether the request must be processed first.
    pub(crate) fn is_done(self) -> bool {
        self.rule.done
    }

    /// The response to send; `truth` is the real response if the request was processed.
    pub(crate) async fn apply(self, truth: Option<Response<Body>>) -> Response<Body> {
        if !matches!(self.rule.act, Act::Replace { .. }) {
            self.counts.applied.fetch_add(1, Ordering::Relaxed);
        }
        match (&self.rule.act, truth) {
            (Act::Hang, _) => std::future::pending().await,
            (Act::Lose, _) => Lost.into_response(),
            (Act::Answer { status, headers, body, missing }, _) => {
                let body = if std::str::from_utf8(body).is_ok_and(|text| text.contains(BASE)) {
                    replaced(body, BASE, self.base_url)
                } else {
                    body.clone()
                };
                let length = HeaderValue::from(body.len() as u64 + missing);
                let body = if *missing == 0 {
                    Body::from(body)
                } else {
                    Body::new(Cut { piece: Some(body), is_flushed: false })
                };
                let mut response = Response::new(body);
                *response.status_mut() = StatusCode::from_u16(*status).unwrap_or_default();
                let fields = [("content-type".to_owned(), "application/json".to_owned())];
                for (name, value) in fields.iter().chain(headers) {
                    let value = value.replace(BASE, self.base_url);
                    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value))
                    {
                        response.headers_mut().insert(name, value);
                    }
                }
                response.headers_mut().insert(CONTENT_LENGTH, length);
                response
            }
            (Act::Replace { .. }, None) => StatusCode::NOT_FOUND.into_response(),
            (Act::Replace { from, to }, Some(truth)) => {
                let (mut head, body) = truth.into_parts();
                let Ok(truth) = to_bytes(body, MOST).await else { return Lost.into_response() };
                let [from, to] = [from, to].map(|text| text.replace(BASE, self.base_url));
                let body = replaced(&truth, &from, &to);
                if body != truth {
                    self.counts.applied.fetch_add(1, Ordering::Relaxed);
                }
                head.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len() as u64));
                Response::from_parts(head, Body::from(body))
            }
        }
    }
}

/// Like `str::replace`, for any bytes.
fn replaced(body: &[u8], from: &str, to: &str) -> Bytes {
    let mut made = Vec::with_capacity(body.len());
    let mut rest = body;
    while !rest.is_empty() {
        if !from.is_empty() && rest.starts_with(from.as_bytes()) {
            made.extend_from_slice(to.as_bytes());
            rest = &rest[from.len()..];
        } else {
            made.push(rest[0]);
            rest = &rest[1..];
        }
    }
    made.into()
}

/// A body that breaks off after its only chunk, once the chunk is sent.
struct Cut {
    piece: Option<Bytes>,
    is_flushed: bool,
}

impl HttpBody for Cut {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if let Some(piece) = self.piece.take() {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        if !std::mem::replace(&mut self.is_flushed, true) {
            // A server flushes its buffer before it waits.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(std::io::ErrorKind::UnexpectedEof.into())))
    }
}
