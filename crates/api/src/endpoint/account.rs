//! `POST /uc/openapi/accountStatus`: the account's balance.

use runninghub_core::Untrusted;
use serde::Deserialize;

use crate::{
    Client, Error,
    http::{Answer, Call},
    lenient,
};

/// The account's balance.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
#[serde(default, rename_all = "camelCase")]
pub struct Account {
    /// RunningHub coins, a decimal number as text.
    #[serde(deserialize_with = "untrusted")]
    pub remain_coins: Option<Untrusted>,
    /// Number of running tasks (not the limit; see [`QueueStatus`](crate::QueueStatus)).
    #[serde(deserialize_with = "lenient::count")]
    pub current_task_counts: Option<u64>,
    /// Wallet money, a decimal number as text.
    #[serde(deserialize_with = "untrusted")]
    pub remain_money: Option<Untrusted>,
    /// The wallet's currency, `CNY` or `USD`.
    #[serde(deserialize_with = "untrusted")]
    pub currency: Option<Untrusted>,
    /// The kind of the key: `NORMAL`, `SHARED` or `EXCLUSIVE`.
    #[serde(deserialize_with = "untrusted")]
    pub api_type: Option<Untrusted>,
}

impl Client {
    /// Fetches the account's balance.
    ///
    /// The key is sent as `apikey`, all lower case: the documented field of this endpoint only, where `apiKey`
    /// reportedly fails authentication. The `Authorization` header is sent as in every request.
    ///
    /// # Errors
    /// When there is no response, or the platform refuses the request.
    pub async fn account(&self) -> Result<Account, Error> {
        let call = Call::repeatable("account", "/uc/openapi/accountStatus").key_field("apikey");
        self.post_legacy(call, &serde_json::Map::new(), Answer::data).await
    }
}

pub(crate) fn untrusted<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Untrusted>, D::Error> {
    Ok(lenient::filled(deserializer)?.map(Untrusted::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_text_read_the_same() {
        let text = r#"{"remainCoins":"120","currentTaskCounts":"1","remainMoney":"929906.265","currency":"CNY","apiType":"SHARED"}"#;
        let number = r#"{"remainCoins":120,"currentTaskCounts":1,"remainMoney":929906.265,"currency":"CNY","apiType":"SHARED","x":{}}"#;
        let read = |json| serde_json::from_str::<Account>(json).expect("an account");
        assert_eq!(read(text), read(number));
        assert_eq!(read(text).current_task_counts, Some(1));
        let none = read(r#"{"remainCoins":"0","currentTaskCounts":"0","remainMoney":null,"currency":null}"#);
        assert_eq!((none.remain_money, none.currency, none.api_type), (None, None, None));
    }
}
