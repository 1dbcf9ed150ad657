//! `GET /openapi/v2/api-key/list`: the keys of the account.

use runninghub_core::Untrusted;
use serde::Deserialize;

use super::account::untrusted;
use crate::{
    Client, Error,
    http::{Answer, Call},
    lenient,
};

/// Number of characters kept at each end of a key.
const KEPT: usize = 4;

/// A key of the account.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
#[serde(default, rename_all = "camelCase")]
pub struct ApiKeyInfo {
    /// The beginning and the end of the key. Masked by the platform, and again here in case it is not.
    #[serde(deserialize_with = "masked")]
    pub key: Option<Untrusted>,
    /// The name that its owner gave it.
    #[serde(rename = "apiKeyName", deserialize_with = "untrusted")]
    pub name: Option<Untrusted>,
    /// Whether it is enabled.
    #[serde(rename = "status", deserialize_with = "is_on")]
    pub is_on: Option<bool>,
    /// Its spending limit, a decimal number as text; `None` without a limit.
    #[serde(deserialize_with = "untrusted")]
    pub quota_limit: Option<Untrusted>,
    /// The amount spent, a decimal number as text.
    #[serde(deserialize_with = "untrusted")]
    pub quota_used: Option<Untrusted>,
    /// When it expires, in the platform's format.
    #[serde(deserialize_with = "untrusted")]
    pub expire_at: Option<Untrusted>,
    /// When it was created, in the platform's format.
    #[serde(deserialize_with = "untrusted")]
    pub created_at: Option<Untrusted>,
}

impl Client {
    /// Lists the keys of the account.
    ///
    /// # Errors
    /// When there is no response, or the platform refuses the request.
    pub async fn api_keys(&self) -> Result<Vec<ApiKeyInfo>, Error> {
        // In case the platform does not mask them, only the caller sees them.
        let call = Call::repeatable("api keys", "/openapi/v2/api-key/list").secret_answer();
        self.get_v2(call, Answer::items).await
    }
}

fn masked<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Untrusted>, D::Error> {
    Ok(lenient::filled(deserializer)?.map(|key| mask(&key).into()))
}

fn mask(key: &str) -> String {
    if key.contains('*') {
        return key.to_owned();
    }
    let characters: Vec<char> = key.chars().collect();
    match (characters.first_chunk::<KEPT>(), characters.last_chunk::<KEPT>()) {
        (Some(first), Some(last)) if characters.len() > 3 * KEPT => {
            format!("{}****{}", String::from_iter(first), String::from_iter(last))
        }
        _ => "****".to_owned(),
    }
}

fn is_on<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Ok(lenient::count(deserializer)?.map(|status| status == 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::tests::read_with;

    #[test]
    fn keys_are_masked_and_malformed_entries_skipped() {
        let text = r#"{"code":0,"msg":"success","data":[
            {"key":"0123****cdef","apiKeyName":"build","status":1,"quotaLimit":"100","quotaUsed":2.5,"expireAt":null},
            {"key":"0123456789abcdef0123456789abcdef","status":"0","visible":true},
            {"key":"short"}, 7, null]}"#;
        let keys = read_with(text, Answer::items::<ApiKeyInfo>).expect("a list");
        let seen: Vec<_> = keys.iter().map(|key| (key.key.as_ref().map(Untrusted::raw), key.is_on)).collect();
        assert_eq!(
            seen,
            [(Some("0123****cdef"), Some(true)), (Some("0123****cdef"), Some(false)), (Some("****"), None)]
        );
        assert_eq!(keys[0].quota_used.as_ref().map(Untrusted::raw), Some("2.5"));
    }
}
