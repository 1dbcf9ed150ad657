//! Answers that are written down: what a request gets in place of the true answer, or what is made of it.

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

/// The most of an answer that is held to be edited.
const MOST: usize = 64 * 1024 * 1024;
/// Stands for the simulator's own address in texts of rules.
const BASE: &str = "{base}";

/// A scripted fault of HTTP: requests to a path get this in place of the true answer, or the true answer with a change.
///
/// A rule holds for every request, or for some in a row ([`Rule::skip`], [`Rule::times`]); of several that hold, the
/// first one counts. `{base}` in its texts stands for the simulator's address.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a rule does nothing until a simulator has it"]
pub struct Rule {
    path: String,
    skip: u32,
    times: u32,
    /// Whether the call is done before the rule is applied.
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
    /// Answers with a status and a body, as `application/json` unless [`Rule::header`] says otherwise. `path` is the
    /// beginning of the paths that the rule is for.
    pub fn answer(path: impl Into<String>, status: u16, body: impl Into<Bytes>) -> Self {
        Self::new(path, Act::Answer { status, headers: Vec::new(), body: body.into(), missing: 0 })
    }

    /// Never answers, and keeps the connection open.
    pub fn hang(path: impl Into<String>) -> Self {
        Self::new(path, Act::Hang)
    }

    /// Closes the connection without an answer.
    pub fn lose(path: impl Into<String>) -> Self {
        Self::new(path, Act::Lose)
    }

    /// Puts `to` wherever `from` stands in the body of the true answer.
    pub fn replace(path: impl Into<String>, from: impl Into<String>, to: impl Into<String>) -> Self {
        let act = Act::Replace { from: from.into(), to: to.into() };
        Self { done: true, ..Self::new(path, act) }
    }

    fn new(path: impl Into<String>, act: Act) -> Self {
        Self { path: path.into(), skip: 0, times: u32::MAX, done: false, act }
    }

    /// Adds a header to an answer; on other rules it has no effect.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let Act::Answer { headers, .. } = &mut self.act {
            headers.push((name.into(), value.into()));
        }
        self
    }

    /// Announces this many bytes more than are sent; then the connection is closed. On other rules than
    /// [`Rule::answer`] it has no effect.
    pub fn cut(mut self, bytes: u64) -> Self {
        if let Act::Answer { missing, .. } = &mut self.act {
            *missing = bytes;
        }
        self
    }

    /// The call is done first: a create makes its task and costs money, whatever the answer says.
    pub fn after_work(mut self) -> Self {
        self.done = true;
        self
    }

    /// Leaves the first so many requests alone.
    pub fn skip(mut self, requests: u32) -> Self {
        self.skip = requests;
        self
    }

    /// Ends after so many requests.
    pub fn times(mut self, requests: u32) -> Self {
        self.times = requests;
        self
    }
}

/// The rules of a simulator, with what each has seen so far.
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

/// A rule that holds for a request.
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
            // Counted whether it is this rule's turn or not.
            let seen = counts.seen.fetch_add(1, Ordering::Relaxed);
            if seen >= rule.skip && seen - rule.skip < rule.times {
                held = held.or(Some((rule, counts)));
            }
        }
        held.map(|(rule, counts)| Held { rule, counts, base_url: &self.base_url })
    }

    /// How often each has made a difference.
    pub(crate) fn applied(&self) -> Vec<u32> {
        self.rules.iter().map(|(_, counts)| counts.applied.load(Ordering::Relaxed)).collect()
    }
}

impl Held<'_> {
    /// Whether the call has to be done first.
    pub(crate) fn is_done(self) -> bool {
        self.rule.done
    }

    /// What is sent; `truth` is the true answer where the call was done.
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

/// A body that breaks off after its only piece, once that has been sent.
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
            // A server flushes what it has before it waits.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(std::io::ErrorKind::UnexpectedEof.into())))
    }
}
