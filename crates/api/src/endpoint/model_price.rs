//! `POST /openapi/v2/price-preview/{endpoint}`: the price of a model run.

use std::fmt;

use runninghub_core::{Untrusted, say};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{account::untrusted, into_future, model};
use crate::{
    Client, Error,
    http::{Answer, Call},
    lenient,
};

/// Fetches the price of a model run; nothing is created. Created by [`Client::model_price`].
#[must_use = "a request does nothing until it is awaited"]
pub struct GetModelPrice {
    client: Client,
    endpoint: String,
    params: Map<String, Value>,
}

/// The price of a model run, as estimated by the platform.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
#[serde(default, rename_all = "camelCase")]
pub struct ModelPrice {
    /// The amount, in the platform's format.
    #[serde(deserialize_with = "lenient::filled")]
    pub estimated_price: Option<String>,
    /// For example `CNY`.
    #[serde(deserialize_with = "untrusted")]
    pub currency: Option<Untrusted>,
    /// The price as text.
    #[serde(rename = "priceTextEn", deserialize_with = "untrusted")]
    pub text: Option<Untrusted>,
    /// The price as Chinese text.
    #[serde(rename = "priceText", deserialize_with = "untrusted")]
    pub text_zh: Option<Untrusted>,
    /// Whether this call would be free.
    #[serde(rename = "isFreeThisCall", deserialize_with = "truth")]
    pub is_free: bool,
    /// Number of free calls left.
    #[serde(rename = "remainingFreeLimitCount", deserialize_with = "lenient::count")]
    pub free_calls: Option<u64>,
}

impl ModelPrice {
    /// The amount to pay: 0 for a free call, `None` if the platform does not say.
    pub fn amount(&self) -> Option<f64> {
        if self.is_free {
            return Some(0.0);
        }
        let amount = self.estimated_price.as_ref()?.parse::<f64>().ok()?;
        (amount.is_finite() && amount >= 0.0).then_some(amount)
    }
}

impl Client {
    /// Fetches the price of a model run.
    pub fn model_price(&self, endpoint: impl Into<String>) -> GetModelPrice {
        GetModelPrice { client: self.clone(), endpoint: endpoint.into(), params: Map::new() }
    }
}

impl GetModelPrice {
    /// The model's parameters, as for [`CreateTask::params`](crate::CreateTask::params).
    pub fn params(mut self, params: Map<String, Value>) -> Self {
        self.params.extend(params);
        self
    }

    async fn send(self) -> Result<ModelPrice, Error> {
        let call = Call::repeatable("price", model::preview_path(&self.endpoint));
        if !model::is_path(&self.endpoint) {
            return Err(
                call.usage(say!("the endpoint of the model is not a path such as `vidu/text-to-video-q2`"))
            );
        }
        self.client.post_v2(call, &self.params, read).await
    }
}

into_future!(GetModelPrice => ModelPrice);

impl fmt::Debug for GetModelPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Parameters may contain signed URLs, which are secrets.
        f.debug_struct("GetModelPrice").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// Parses the bare object, or one inside `{code, data}`.
fn read(answer: &Answer) -> Result<ModelPrice, Error> {
    let envelope = answer.success_within()?;
    lenient::object(envelope.data).map_or_else(|| answer.object(), Ok)
}

fn truth<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(lenient::text(deserializer)?.is_some_and(|text| text.eq_ignore_ascii_case("true") || text == "1"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::tests::read_with;

    #[test]
    fn an_amount_is_a_number_or_text_or_free() {
        for (text, amount) in [
            (r#"{"errorCode":"","errorMessage":"","estimatedPrice":"3.45","currency":"CNY"}"#, Some(3.45)),
            (r#"{"estimatedPrice":0.5,"currency":"USD","isFreeThisCall":false}"#, Some(0.5)),
            (r#"{"estimatedPrice":"3.45","isFreeThisCall":true,"remainingFreeLimitCount":"2"}"#, Some(0.0)),
            (r#"{"code":0,"data":{"estimatedPrice":"1"}}"#, Some(1.0)),
            (r#"{"priceText":"按秒计费"}"#, None),
            (r#"{"estimatedPrice":"about 3"}"#, None),
            (r#"{"estimatedPrice":"-1"}"#, None),
            (r#"{"estimatedPrice":"NaN"}"#, None),
        ] {
            let price = read_with(text, read).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(price.amount(), amount, "{text}");
        }
        for refused in [
            r#"{"errorCode":"1007","errorMessage":"Invalid parameters"}"#,
            r#"{"code":0,"data":{"errorCode":"1007","errorMessage":"Invalid parameters"}}"#,
        ] {
            let error = read_with(refused, read).expect_err(refused);
            assert_eq!(error.code().map(crate::Code::as_str), Some("1007"));
        }
    }
}
