//! `POST /api/fast/creation/model/params`: models and styles of Quick Create.

use runninghub_core::{Untrusted, WebappId};
use serde::Deserialize;
use serde_json::json;

use super::account::untrusted;
use crate::{
    Client, Error,
    http::{Answer, Call},
};

/// A model or a style.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
#[serde(default, rename_all = "camelCase")]
pub struct QuickStyle {
    /// Its id.
    #[serde(deserialize_with = "untrusted")]
    pub id: Option<Untrusted>,
    /// Its category.
    #[serde(deserialize_with = "untrusted")]
    pub model_category: Option<Untrusted>,
    /// Its name.
    #[serde(deserialize_with = "untrusted")]
    pub model_name: Option<Untrusted>,
    /// The value that chooses it.
    #[serde(deserialize_with = "untrusted")]
    pub model_key: Option<Untrusted>,
    /// The URL of a preview image.
    #[serde(deserialize_with = "untrusted")]
    pub model_preview_url: Option<Untrusted>,
    /// A description.
    #[serde(deserialize_with = "untrusted")]
    pub content: Option<Untrusted>,
    /// Trigger words for the prompt.
    #[serde(deserialize_with = "untrusted")]
    pub model_trigger: Option<Untrusted>,
    /// The first `LoRA`; the platform spells it so.
    #[serde(rename = "modelLoar1FileName", deserialize_with = "untrusted")]
    pub lora1_file_name: Option<Untrusted>,
    /// Its weight, a number as text.
    #[serde(rename = "modelLoar1Weight", deserialize_with = "untrusted")]
    pub lora1_weight: Option<Untrusted>,
    /// The second `LoRA`.
    #[serde(rename = "modelLoar2FileName", deserialize_with = "untrusted")]
    pub lora2_file_name: Option<Untrusted>,
    /// Its weight, a number as text.
    #[serde(rename = "modelLoar2Weight", deserialize_with = "untrusted")]
    pub lora2_weight: Option<Untrusted>,
}

impl Client {
    /// Fetches the models and styles of a Quick Create app.
    ///
    /// `kind` is the platform's number for the kind of list. The documentation requires no key; it is sent anyway.
    ///
    /// # Errors
    /// When there is no response, or the platform refuses the request.
    pub async fn quick_styles(&self, webapp_id: &WebappId, kind: u32) -> Result<Vec<QuickStyle>, Error> {
        let call = Call::repeatable("quick styles", "/api/fast/creation/model/params");
        let body = json!({ "type": kind, "webappId": webapp_id });
        self.post_legacy(call, &body, Answer::items).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::tests::read_with;

    #[test]
    fn numbers_are_text_and_an_odd_item_costs_itself() {
        let text = r#"{"code":0,"data":[{"id":7,"modelName":"x","modelLoar1Weight":0.8,"modelLoar2FileName":null},null]}"#;
        let [style] = read_with(text, Answer::items::<QuickStyle>).expect("a list").try_into().expect("one");
        assert_eq!(
            (style.id, style.lora1_weight, style.lora2_file_name),
            (Some("7".into()), Some("0.8".into()), None)
        );
        assert!(
            read_with(r#"{"code":0,"data":null}"#, Answer::items::<QuickStyle>).expect("none").is_empty()
        );
        read_with(r#"{"code":0,"data":{}}"#, Answer::items::<QuickStyle>).expect_err("no list");
    }
}
