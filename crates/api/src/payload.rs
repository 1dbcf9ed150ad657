//! The payload of a request, and the key's location in it.

use bytes::Bytes;
use reqwest::{RequestBuilder, header::CONTENT_TYPE};
use runninghub_core::say;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{Client, Error, ErrorKind, UploadSource, http::Call};

/// The payload of a request. Added to a new request for each attempt.
pub(crate) enum Payload {
    File(UploadSource),
    Json(Bytes),
    /// JSON for the legacy family, with or without the key in a field.
    Keyed {
        with_key: Bytes,
        without: Bytes,
    },
    /// The query, which is hidden from observers and errors; and the parameter for the key, if the key is sent
    /// there.
    Query(Vec<(&'static str, String)>, &'static str),
    Nothing,
}

impl Payload {
    /// Whether it may contain the key in addition to the header.
    pub(crate) fn has_key(&self) -> bool {
        matches!(self, Self::Keyed { .. } | Self::Query(..))
    }

    pub(crate) async fn attach(
        &self,
        client: &Client,
        key_in_body: bool,
        request: RequestBuilder,
    ) -> Result<RequestBuilder, Error> {
        Ok(match self {
            Self::File(source) => request.multipart(source.form(client).await?),
            Self::Json(body) => json(request, body),
            Self::Keyed { with_key, .. } if key_in_body => json(request, with_key),
            Self::Keyed { without, .. } => json(request, without),
            Self::Query(query, name) if key_in_body => {
                request.query(query).query(&[(name, client.key().expose())])
            }
            Self::Query(query, _) => request.query(query),
            Self::Nothing => request,
        })
    }
}

fn json(request: RequestBuilder, body: &Bytes) -> RequestBuilder {
    request.header(CONTENT_TYPE, "application/json").body(body.clone())
}

/// The body for observers: without the workflow's password and without the webhook, whose path is a secret.
pub(crate) fn shown(mut json: Value) -> String {
    for secret in ["accessPassword", "webhookUrl"] {
        if let Some(secret) = json.get_mut(secret) {
            *secret = "…".into();
        }
    }
    json.to_string()
}

pub(crate) fn to_json(call: &Call, body: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(body).map_err(|error| {
        call.error(ErrorKind::Usage { problem: say!("the request is not JSON") }).because(error)
    })
}

/// The fields that have a value.
pub(crate) fn given<const N: usize>(fields: [(&str, Option<&str>); N]) -> Map<String, Value> {
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect()
}
