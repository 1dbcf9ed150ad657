//! The four shapes of responses.

use std::fmt;

use axum::{
    Json,
    body::Body,
    http::{Response, StatusCode},
    response::{Html, IntoResponse},
};
use serde_json::{Value, json};

use crate::fault::Instead;

/// The response of an endpoint.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    status: StatusCode,
    body: Value,
}

impl Answer {
    /// The envelope of the legacy family and of v2 management, for success.
    pub(crate) fn ok(data: impl Into<Value>) -> Self {
        Self::json(json!({"code": 0, "msg": "success", "errorMessages": null, "data": data.into()}))
    }

    /// The same for an error; still with HTTP 200.
    pub(crate) fn code(code: i32, msg: &str, data: impl Into<Value>) -> Self {
        Self::json(json!({"code": code, "msg": msg, "errorMessages": null, "data": data.into()}))
    }

    /// Any object: v2 task objects, and envelopes with other field names.
    pub(crate) fn json(body: Value) -> Self {
        Self { status: StatusCode::OK, body }
    }

    /// The error object of v2.
    pub(crate) fn v2_error(code: &str, message: &str) -> Self {
        Self::json(json!({"errorCode": code, "errorMessage": message}))
    }

    /// A rejected key: the only error of these families with a distinct HTTP status.
    pub(crate) fn wrong_key() -> Self {
        let body = json!({"code": -1, "msg": "ApiKey verification failed"});
        Self { status: StatusCode::UNAUTHORIZED, body }
    }

    pub(crate) fn body(&self) -> &Value {
        &self.body
    }

    pub(crate) fn is_success(&self) -> bool {
        self.body["code"] == 0
    }

    /// The task that a create has created, in either family.
    pub(crate) fn task_id(&self) -> Option<&str> {
        self.body["data"]["taskId"].as_str().or_else(|| self.body["taskId"].as_str())
    }

    pub(crate) fn params_invalid() -> Self {
        Self::code(301, "PARAMS_INVALID", Value::Null)
    }

    pub(crate) fn task_not_found() -> Self {
        Self::code(807, "APIKEY_TASK_NOT_FOUND", Value::Null)
    }

    pub(crate) fn app_not_exists() -> Self {
        Self::code(901, "WEBAPP_NOT_EXISTS", Value::Null)
    }

    pub(crate) fn queue_maxed() -> Self {
        Self::code(421, "TASK_QUEUE_MAXED", Value::Null)
    }

    pub(crate) fn workflow_not_exists() -> Self {
        Self::code(380, "WORKFLOW_NOT_EXISTS", Value::Null)
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response<Body> {
        let code =
            ["code", "errorCode"].into_iter().map(|name| &self.body[name]).find(|code| !code.is_null());
        let code = code.map(|code| Code(code.as_str().map_or_else(|| code.to_string(), str::to_owned)));
        let mut response = (self.status, Json(self.body)).into_response();
        if let Some(code) = code {
            response.extensions_mut().insert(code);
        }
        response
    }
}

/// The code in the body of a response, for the log.
#[derive(Clone, Debug)]
pub(crate) struct Code(pub(crate) String);

impl IntoResponse for Instead {
    fn into_response(self) -> Response<Body> {
        match self {
            Self::BadGateway => (StatusCode::BAD_GATEWAY, "502 Bad Gateway").into_response(),
            Self::WebPage => Html("<!DOCTYPE html><html><body>Just a moment…</body></html>").into_response(),
        }
    }
}

/// Marks a response that must not be sent: the connection is closed instead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lost;

impl IntoResponse for Lost {
    fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(self);
        response
    }
}

/// The response, or the end of the connection if it is marked as lost.
pub(crate) fn unless_lost(response: Response<Body>) -> Result<Response<Body>, Dropped> {
    if response.extensions().get::<Lost>().is_some() { Err(Dropped) } else { Ok(response) }
}

/// The end of a connection whose response is lost.
#[derive(Debug)]
pub(crate) struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer is lost on purpose")
    }
}

impl std::error::Error for Dropped {}
