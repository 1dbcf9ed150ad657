//! `fieldData` of an app's field: its choices, in all formats seen so far.
//!
//! 1. `[{"name", "index", "description", "fastIndex"}]`: the value is the `index`, not the name.
//! 2. ComfyUI's own: `[["a", "b"], {…}]`, `["COMBO", {"options": […]}]`, `["INT", {"min", "max", "step"}]`.
//! 3. A list of words, as JSON or with commas between them.
//! 4. Nothing.
//!
//! Each of them may be JSON, or JSON inside a string.

use runninghub_core::Untrusted;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::account::untrusted;
use crate::lenient;

/// Words that appear in the list but are not choices.
const NOISE: [&str; 3] = ["None", "keep_this_dic", "example.png"];

/// One of several values.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Choice {
    /// The value to send.
    pub value: String,
    /// The displayed name, usually Chinese.
    pub name: Option<Untrusted>,
    /// A description.
    pub description: Option<Untrusted>,
}

/// The range of a number; a `None` limit is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Range {
    /// The minimum.
    pub min: Option<f64>,
    /// The maximum.
    pub max: Option<f64>,
    /// The step between values.
    pub step: Option<f64>,
}

#[derive(Debug, Default, PartialEq)]
pub(super) struct FieldData {
    pub(super) choices: Vec<Choice>,
    pub(super) range: Range,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Listed {
    #[serde(deserialize_with = "lenient::filled")]
    index: Option<String>,
    #[serde(deserialize_with = "lenient::filled")]
    value: Option<String>,
    #[serde(deserialize_with = "untrusted")]
    name: Option<Untrusted>,
    #[serde(deserialize_with = "untrusted")]
    description: Option<Untrusted>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Settings {
    options: Option<Box<RawValue>>,
    #[serde(deserialize_with = "lenient::filled")]
    min: Option<String>,
    #[serde(deserialize_with = "lenient::filled")]
    max: Option<String>,
    #[serde(deserialize_with = "lenient::filled")]
    step: Option<String>,
}

/// Parses any of the formats. Anything else is ignored.
pub(super) fn read(raw: Option<&RawValue>) -> FieldData {
    if let Some(items) = lenient::list(raw) {
        return list(&items);
    }
    if let Some(settings) = lenient::object::<Settings>(raw) {
        return settings.into();
    }
    let words = lenient::scalar(raw).filter(|text| text.contains(','));
    let words = words.iter().flat_map(|text| text.split(',')).map(|word| word.trim().to_owned());
    FieldData { choices: words.filter_map(plain).collect(), range: Range::default() }
}

fn list(items: &[Box<RawValue>]) -> FieldData {
    match items {
        // A nested list of choices; its settings add nothing.
        [first, ..] if first.get().starts_with('[') => {
            FieldData { choices: choices(Some(first)), ..FieldData::default() }
        }
        // A type and its settings.
        [_, settings]
            if settings.get().starts_with('{')
                && lenient::scalar(items.first().map(|raw| &**raw)).is_some() =>
        {
            lenient::object::<Settings>(Some(settings)).unwrap_or_default().into()
        }
        // The name of a type only, in ComfyUI's format.
        [kind]
            if matches!(
                kind.get(),
                r#""STRING""# | r#""INT""# | r#""FLOAT""# | r#""BOOLEAN""# | r#""COMBO""#
            ) =>
        {
            FieldData::default()
        }
        items => FieldData {
            choices: items.iter().filter_map(|item| choice(item)).collect(),
            ..FieldData::default()
        },
    }
}

fn choices(raw: Option<&RawValue>) -> Vec<Choice> {
    lenient::list(raw).unwrap_or_default().iter().filter_map(|item| choice(item)).collect()
}

/// Parses a word, or an object with an index.
fn choice(raw: &RawValue) -> Option<Choice> {
    let Some(option) = lenient::object::<Listed>(Some(raw)) else {
        return plain(lenient::scalar(Some(raw))?);
    };
    let name = option.name;
    let value = option.index.or(option.value).or_else(|| name.as_ref().map(|name| name.raw().to_owned()))?;
    let is_noise = NOISE.contains(&name.as_ref().map_or(&*value, Untrusted::raw));
    (!is_noise).then_some(Choice { value, name, description: option.description })
}

fn plain(word: String) -> Option<Choice> {
    let is_choice = !word.is_empty() && !NOISE.contains(&&*word);
    is_choice.then_some(Choice { value: word, name: None, description: None })
}

impl From<Settings> for FieldData {
    fn from(settings: Settings) -> Self {
        let number = |text: Option<String>| {
            text.and_then(|text| text.parse().ok()).filter(|number: &f64| number.is_finite())
        };
        Self {
            choices: choices(settings.options.as_deref()),
            range: Range {
                min: number(settings.min),
                max: number(settings.max),
                step: number(settings.step),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn get(json: &str) -> FieldData {
        read(Some(&RawValue::from_string(json.to_owned()).expect("valid JSON")))
    }

    fn values(json: &str) -> Vec<String> {
        get(json).choices.into_iter().map(|choice| choice.value).collect()
    }

    /// Verbatim, and as JSON inside a string.
    fn both(json: &str) -> [String; 2] {
        [json.to_owned(), serde_json::to_string(json).expect("text")]
    }

    #[test]
    fn the_value_of_a_list_is_the_index_and_not_the_name() {
        for json in both(
            r#"[{"name":"方形","index":"1:1","description":"square","fastIndex":1.0},{"name":"b","index":2}]"#,
        ) {
            let found = get(&json).choices;
            assert_eq!((found[0].value.as_str(), &found[0].name), ("1:1", &Some("方形".into())), "{json}");
            assert_eq!(found[1].value, "2");
        }
    }

    #[test]
    fn comfyui_s_own_shapes() {
        for json in both(r#"[["a.png","keep_this_dic","example.png","None"],{"image_upload":true}]"#) {
            assert_eq!(values(&json), ["a.png"], "{json}");
        }
        assert_eq!(values(r#"["COMBO",{"options":["x",1,"None"]}]"#), ["x", "1"]);
        for json in both(r#"["STRING",{"default":"","multiline":true}]"#) {
            assert_eq!(get(&json), FieldData::default(), "{json}");
        }
        let range = Range { min: Some(1.0), max: Some(64.0), step: Some(0.5) };
        for json in both(r#"["FLOAT",{"default":1,"min":"1","max":64,"step":0.5}]"#) {
            assert_eq!(get(&json).range, range, "{json}");
        }
        assert_eq!(get(r#"{"min":1,"max":64,"step":0.5}"#).range, range);
    }

    #[test]
    fn words_and_nothing() {
        assert_eq!(values(r#""fast, slow,None,""#), ["fast", "slow"]);
        assert_eq!(values(r#"["fast","slow"]"#), ["fast", "slow"]);
        for json in ["null", "\"\"", "7", "\"text\"", "[]", "{}", r#"["INT"]"#, "[[]]", "[null]"] {
            assert_eq!(get(json), FieldData::default(), "{json}");
        }
        assert_eq!(read(None), FieldData::default());
    }

    proptest! {
        #[test]
        fn nothing_panics_and_noise_is_never_a_choice(json in "(\\[|\\]|\\{|\\}|,|\"None\"|\"index\":1|\"a\"|:|null|7|\"\\[\\[\\\\\"b\\\\\"\\]\\]\"){0,12}") {
            if let Ok(raw) = RawValue::from_string(json) {
                prop_assert!(read(Some(&raw)).choices.iter().all(|choice| choice.value != "None"));
            }
        }
    }
}
