//! `GET /api/webapp/apiCallDemo`: the form of an AI app.

use runninghub_core::{NodeId, Untrusted, WebappId};
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use super::{
    account::untrusted,
    field_data::{self, Choice, Range},
};
use crate::{
    Client, Error,
    http::{Answer, Call},
    lenient,
};

/// An AI app: a published workflow with some fields to fill in.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct App {
    /// Its name.
    pub name: Option<Untrusted>,
    /// Whether it requires a password.
    pub access_encrypted: bool,
    /// The fields, in the order of the app's page.
    pub fields: Vec<AppField>,
    /// Usage and like counts, by the platform's names; numbers as text.
    pub statistics: Vec<(String, Untrusted)>,
    /// Its tags.
    pub tags: Vec<AppTag>,
    /// URLs of its cover images.
    pub covers: Vec<Untrusted>,
}

/// A tag of an app.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct AppTag {
    /// Its name, usually Chinese.
    pub name: Option<Untrusted>,
    /// Its name in English.
    pub name_en: Option<Untrusted>,
}

/// A field of an app.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AppField {
    /// The node.
    pub node_id: NodeId,
    /// The node's title.
    pub node_name: Option<Untrusted>,
    /// The input of the node.
    pub field_name: String,
    /// The default value.
    pub value: Option<Untrusted>,
    /// The type of its value.
    pub kind: FieldKind,
    /// The allowed values; empty if any value is allowed.
    pub choices: Vec<Choice>,
    /// The range of a number.
    pub range: Range,
    /// The description by the app's author.
    pub description: Option<Untrusted>,
    /// The description in English.
    pub description_en: Option<Untrusted>,
    /// The entry as received, to be sent back.
    entry: Map<String, Value>,
}

/// The type of a field's value.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FieldKind {
    /// Text.
    Text,
    /// One of the choices.
    List,
    /// An integer.
    Int,
    /// A number.
    Float,
    /// `true` or `false`; or one of the choices, if there are any.
    Boolean,
    /// The name of an uploaded image.
    Image,
    /// The name of an uploaded audio file.
    Audio,
    /// The name of an uploaded video.
    Video,
    /// The name of an uploaded ZIP of images.
    Zip,
    /// A type that this version does not know; treated as text.
    Other(String),
}

impl FieldKind {
    fn parse(word: Option<&str>) -> Self {
        match word.unwrap_or_default().to_ascii_uppercase().as_str() {
            "STRING" | "TEXT" | "" => Self::Text,
            "LIST" | "COMBO" | "SELECT" => Self::List,
            "INT" | "INTEGER" => Self::Int,
            "FLOAT" | "NUMBER" => Self::Float,
            "BOOLEAN" | "SWITCH" => Self::Boolean,
            "IMAGE" => Self::Image,
            "AUDIO" => Self::Audio,
            "VIDEO" => Self::Video,
            "ZIP" => Self::Zip,
            _ => Self::Other(word.unwrap_or_default().to_owned()),
        }
    }

    /// The name of the type, in lower case.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Text => "text",
            Self::List => "list",
            Self::Int => "int",
            Self::Float => "float",
            Self::Boolean => "boolean",
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Zip => "zip",
            Self::Other(word) => word,
        }
    }

    /// The file extensions that the platform accepts for an upload; empty if the field takes no file.
    pub fn extensions(&self) -> &'static [&'static str] {
        match self {
            Self::Image => &["jpg", "jpeg", "png", "webp"],
            Self::Audio => &["mp3", "wav", "flac"],
            Self::Video => &["mp4", "avi", "mov", "mkv"],
            Self::Zip => &["zip"],
            _ => &[],
        }
    }
}

impl AppField {
    /// The entry for `nodeInfoList` with a value, and all other keys unchanged.
    pub fn with(&self, value: impl Into<Value>) -> Value {
        let mut entry = self.entry.clone();
        entry.insert("fieldValue".to_owned(), value.into());
        Value::Object(entry)
    }

    /// The entry for `nodeInfoList`, unchanged.
    pub fn unchanged(&self) -> Value {
        Value::Object(self.entry.clone())
    }
}

impl Client {
    /// Fetches the form of an AI app.
    ///
    /// The only endpoint with the key in the query; the query is never displayed. The list of fields may be missing for
    /// an app that never ran. An unknown app is code 901.
    ///
    /// # Errors
    /// When there is no response, or the platform refuses the request.
    pub async fn app(&self, webapp_id: &WebappId) -> Result<App, Error> {
        let call = Call::repeatable("app", "/api/webapp/apiCallDemo");
        self.get_legacy(call, vec![("webappId", webapp_id.as_str().to_owned())], read).await
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Data {
    #[serde(deserialize_with = "untrusted")]
    webapp_name: Option<Untrusted>,
    #[serde(deserialize_with = "lenient::text")]
    access_encrypted: Option<String>,
    node_info_list: Option<Box<RawValue>>,
    statistics_info: Option<Box<RawValue>>,
    tags: Option<Box<RawValue>>,
    covers: Option<Box<RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Entry {
    #[serde(deserialize_with = "lenient::filled")]
    node_id: Option<String>,
    #[serde(deserialize_with = "untrusted")]
    node_name: Option<Untrusted>,
    #[serde(deserialize_with = "lenient::filled")]
    field_name: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    field_value: Option<String>,
    field_data: Option<Box<RawValue>>,
    #[serde(deserialize_with = "lenient::filled")]
    field_type: Option<String>,
    #[serde(deserialize_with = "untrusted")]
    description: Option<Untrusted>,
    #[serde(deserialize_with = "untrusted")]
    description_en: Option<Untrusted>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Item {
    #[serde(deserialize_with = "untrusted")]
    name: Option<Untrusted>,
    #[serde(deserialize_with = "untrusted")]
    name_en: Option<Untrusted>,
    #[serde(deserialize_with = "untrusted")]
    url: Option<Untrusted>,
}

fn read(answer: &Answer) -> Result<App, Error> {
    let data: Data = answer.data()?;
    let named = |raw: Option<&RawValue>| -> Vec<Item> {
        let items = lenient::list(raw).unwrap_or_default();
        items.iter().filter_map(|item| lenient::object(Some(item))).collect()
    };
    let statistics = lenient::entries(data.statistics_info.as_deref());
    Ok(App {
        name: data.webapp_name,
        access_encrypted: data.access_encrypted.is_some_and(|word| word == "true"),
        fields: lenient::list(data.node_info_list.as_deref())
            .unwrap_or_default()
            .iter()
            .filter_map(|raw| field(raw))
            .collect(),
        statistics: statistics
            .into_iter()
            .filter_map(|(name, raw)| Some((name, lenient::scalar(Some(&raw))?.into())))
            .collect(),
        tags: named(data.tags.as_deref())
            .into_iter()
            .map(|Item { name, name_en, .. }| AppTag { name, name_en })
            .collect(),
        covers: named(data.covers.as_deref()).into_iter().filter_map(|cover| cover.url).collect(),
    })
}

/// Parses one field; a field without a node or a name cannot be set and is left out.
fn field(raw: &RawValue) -> Option<AppField> {
    let known: Entry = lenient::object(Some(raw))?;
    let kind = FieldKind::parse(known.field_type.as_deref());
    let data = field_data::read(known.field_data.as_deref());
    Some(AppField {
        node_id: known.node_id?.into(),
        node_name: known.node_name,
        field_name: known.field_name?,
        value: known.field_value.map(Into::into),
        // A field declared as text but with a list of words is a list.
        kind: if kind == FieldKind::Text && !data.choices.is_empty() { FieldKind::List } else { kind },
        choices: data.choices,
        range: data.range,
        description: known.description,
        description_en: known.description_en,
        entry: lenient::object(Some(raw))?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::tests::read_with;

    fn app(data: &Value) -> App {
        read_with(&json!({"code": 0, "msg": "", "data": data}).to_string(), read).expect("an app")
    }

    #[test]
    fn fields_are_typed_and_sent_back_with_all_their_keys() {
        let app = app(&json!({
            "curl": "curl …", "webappName": "Portrait", "accessEncrypted": false,
            "statisticsInfo": {"likeCount": "7", "pv": 12, "odd": {}},
            "nodeInfoList": [
                {"nodeId": 6, "nodeName": "CLIPTextEncode", "fieldName": "text", "fieldValue": "", "fieldType": "STRING",
                 "fieldData": null, "description": "提示词", "descriptionEn": "Prompt", "descriptionCn": null},
                {"nodeId": "3", "fieldName": "steps", "fieldValue": "20", "fieldType": "INT"},
                {"nodeId": "9", "fieldName": "x", "fieldValue": 1, "fieldType": "HOLOGRAM"},
                {"nodeId": "9", "fieldName": null}, 7,
            ],
            "covers": [{"id": "1", "url": "https://h/a.png"}],
            "tags": [{"id": 1, "name": "人像", "nameEn": "portrait", "labels": null}],
        }));
        let [text, steps, odd] = app.fields.as_slice() else { panic!("{:?}", app.fields) };
        assert_eq!((text.node_id.as_str(), &text.kind), ("6", &FieldKind::Text));
        assert_eq!(text.value, Some("".into()));
        assert_eq!(text.description_en, Some("Prompt".into()));
        assert_eq!((&steps.kind, steps.value.clone()), (&FieldKind::Int, Some("20".into())));
        assert_eq!(odd.kind, FieldKind::Other("HOLOGRAM".into()));
        let sent = text.with("a cat");
        assert_eq!(
            (&sent["fieldValue"], &sent["nodeId"], &sent["descriptionCn"]),
            (&json!("a cat"), &json!(6), &Value::Null)
        );
        assert_eq!(app.statistics.len(), 2);
        let tag = AppTag { name: Some("人像".into()), name_en: Some("portrait".into()) };
        assert_eq!((app.tags, app.covers), (vec![tag], vec!["https://h/a.png".into()]));
    }

    #[test]
    fn an_app_that_never_ran_has_no_fields() {
        for data in [json!({"webappName": "x"}), json!({"nodeInfoList": null}), json!({"nodeInfoList": []})] {
            assert!(app(&data).fields.is_empty(), "{data}");
        }
        assert_eq!(
            read_with(r#"{"code":901,"msg":"WEBAPP_NOT_EXISTS","data":null}"#, read)
                .expect_err("unknown")
                .code()
                .map(crate::Code::as_str),
            Some("901")
        );
        read_with(r#"{"code":0,"data":null}"#, read).expect_err("nothing");
    }

    #[test]
    fn text_with_a_list_of_words_is_a_list() {
        let app = app(&json!({"nodeInfoList": [
            {"nodeId": "1", "fieldName": "a", "fieldType": "STRING", "fieldData": "x,y"},
            {"nodeId": "1", "fieldName": "a", "fieldType": "SWITCH", "fieldData": "[{\"name\":\"on\",\"index\":1}]"},
        ]}));
        assert_eq!(app.fields[0].kind, FieldKind::List);
        assert_eq!((&app.fields[1].kind, app.fields[1].choices.len()), (&FieldKind::Boolean, 1));
    }
}
