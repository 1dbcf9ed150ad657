//! What a request carries, and where in it the key is.

use bytes::Bytes;
use reqwest::{RequestBuilder, header::CONTENT_TYPE};
use serde::Serialize;
use serde_json::Value;

use crate::{Client, Error, ErrorKind, UploadSource, http::Call};

/// What a request carries. Built into a request anew for each attempt.
pub(crate) enum Payload {
    File(UploadSource),
    Json(Bytes),
    /// The same in the legacy family, with the key in a field of it, or without.
    Keyed {
        with_key: Bytes,
        without: Bytes,
    },
    /// Behind the path, where it is in nobody's sight, neither the observer's nor an error's; and what the key is called
    /// there, if it stands there.
    Query(Vec<(&'static str, String)>, &'static str),
    Nothing,
}

impl Payload {
    /// Whether the key may stand in there, beside the header.
    pub(crate) fn has_key(&self) -> bool {
        matches!(self, Self::Keyed { .. } | Self::Query(..))
    }

    pub(crate) async fn attach(
        &self,
        client: &Client,
        call: &Call,
        key_in_body: bool,
        request: RequestBuilder,
    ) -> Result<RequestBuilder, Error> {
        Ok(match self {
            Self::File(source) => request.multipart(source.form(client, call.name).await?),
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

/// The body as observers see it: without the password of the workflow and without the webhook, whose path is one.
pub(crate) fn shown(mut json: Value) -> String {
    for secret in ["accessPassword", "webhookUrl"] {
        if let Some(secret) = json.get_mut(secret) {
            *secret = "…".into();
        }
    }
    json.to_string()
}

pub(crate) fn to_json(call: &Call, body: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(body)
        .map_err(|error| call.error(ErrorKind::Usage { message: "the request is not JSON" }).because(error))
}
