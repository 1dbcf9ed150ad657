//! One API request as received.

use std::collections::BTreeMap;

use axum::{
    body::to_bytes,
    extract::{FromRequest, Multipart, Request},
    http::header::{AUTHORIZATION, CONTENT_TYPE},
};
use bytes::Bytes;
use serde_json::Value;

/// Maximum size of a body. It is above the platform's limit for uploads, so that the platform's limit takes effect
/// first.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// A request as an endpoint sees it.
#[derive(Debug, Default)]
pub(crate) struct Call {
    pub(crate) path: String,
    bearer: Option<String>,
    body: Value,
    fields: BTreeMap<String, String>,
    /// The form's part `file`: its name, if it has one, and its bytes.
    pub(crate) file: Option<(Option<String>, Bytes)>,
}

impl Call {
    /// Reads a request. A body that is neither JSON nor a form gives no fields, so endpoints report them as missing.
    pub(crate) async fn read(request: Request) -> Self {
        let (head, body) = request.into_parts();
        let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = header(AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned);
        let is_form = header(CONTENT_TYPE).is_some_and(|kind| kind.starts_with("multipart/form-data"));
        let query = head.uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        let fields = query.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut call = Self { path: head.uri.path().to_owned(), bearer, fields, ..Self::default() };
        if is_form {
            if let Ok(form) = Multipart::from_request(Request::from_parts(head, body), &()).await {
                call.read_form(form).await;
            }
        } else {
            let body = to_bytes(body, MAX_BODY).await.unwrap_or_default();
            call.body = serde_json::from_slice(&body).unwrap_or_default();
        }
        call
    }

    async fn read_form(&mut self, mut form: Multipart) {
        while let Ok(Some(field)) = form.next_field().await {
            let name = field.name().unwrap_or_default().to_owned();
            let file_name = field.file_name().map(str::to_owned);
            let Ok(bytes) = field.bytes().await else { return };
            if name == "file" {
                self.file = Some((file_name, bytes));
            } else {
                self.fields.insert(name, String::from_utf8_lossy(&bytes).into_owned());
            }
        }
    }

    /// A field of the body, of the form or of the query: text, or a number converted to text, as on the platform.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match &self.body[name] {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => self.fields.get(name).cloned(),
        }
    }

    /// A field of the body, unconverted.
    pub(crate) fn value(&self, name: &str) -> &Value {
        &self.body[name]
    }

    /// A field of the body as a number.
    pub(crate) fn count(&self, name: &str) -> Option<usize> {
        self.text(name)?.parse().ok()
    }

    /// The last segment of the path.
    pub(crate) fn last_part(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The whole body, if it is JSON.
    pub(crate) fn body(&self) -> Option<&Value> {
        Some(&self.body).filter(|body| !body.is_null())
    }

    /// The key from the header.
    pub(crate) fn bearer(&self) -> Option<&str> {
        self.bearer.as_deref()
    }
}
