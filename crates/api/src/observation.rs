//! Converts the task data in responses to core's types: shared by `outputs`, `status`, `query` and `create`.

use runninghub_core::{Cost, Failure, FileUrl, OutputFile, SocketUrl, Untrusted};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::lenient;

/// One result. The legacy family uses `fileUrl` and `fileType`, the v2 family the others.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Item {
    #[serde(deserialize_with = "lenient::filled")]
    file_url: Option<String>,
    #[serde(deserialize_with = "lenient::filled")]
    url: Option<String>,
    #[serde(deserialize_with = "lenient::filled")]
    output_url: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    text: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    content: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    output: Option<String>,
    #[serde(deserialize_with = "lenient::filled")]
    file_type: Option<String>,
    #[serde(deserialize_with = "lenient::filled")]
    output_type: Option<String>,
    #[serde(deserialize_with = "lenient::filled")]
    node_id: Option<String>,
}

impl From<Item> for OutputFile {
    fn from(item: Item) -> Self {
        Self {
            node_id: item.node_id.map(Into::into),
            url: item.file_url.or(item.url).or(item.output_url).map(FileUrl::new),
            text: texts_of([item.text, item.content, item.output]),
            file_type: item.file_type.or(item.output_type),
            data: None,
        }
    }
}

/// The first text that is not empty, or else the first.
fn texts_of(texts: [Option<String>; 3]) -> Option<String> {
    let mut texts = texts.into_iter().flatten().peekable();
    let first = texts.peek().cloned();
    texts.find(|text| !text.is_empty()).or(first)
}

/// A task's cost; every amount is text or a number, or missing.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Usage {
    #[serde(deserialize_with = "lenient::filled")]
    consume_coins: Option<String>,
    #[serde(deserialize_with = "lenient::filled")]
    consume_money: Option<String>,
    #[serde(deserialize_with = "lenient::filled")]
    third_party_consume_money: Option<String>,
    #[serde(deserialize_with = "lenient::filled")]
    task_cost_time: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct FailedReason {
    #[serde(deserialize_with = "lenient::filled")]
    node_id: Option<String>,
    #[serde(deserialize_with = "lenient::filled")]
    node_name: Option<String>,
    #[serde(deserialize_with = "lenient::filled")]
    exception_type: Option<String>,
    #[serde(deserialize_with = "lenient::filled")]
    exception_message: Option<String>,
    traceback: Option<Box<RawValue>>,
}

/// Parses a list of results. A bare string in it counts as a URL or as text; other items that are not objects count
/// as empty results, so that the number of results stays the platform's.
pub(crate) fn outputs(items: &[Box<RawValue>]) -> Vec<OutputFile> {
    items
        .iter()
        .map(|item| match lenient::scalar(Some(item)) {
            Some(url) if url.starts_with("https://") || url.starts_with("http://") => {
                OutputFile { url: Some(FileUrl::new(url)), ..OutputFile::default() }
            }
            Some(text) if !text.starts_with('{') => OutputFile { text: Some(text), ..OutputFile::default() },
            _ => lenient::object::<Item>(Some(item)).unwrap_or_default().into(),
        })
        .collect()
}

/// The cost, which the items of a result list repeat. Never a sum: every item contains the task's total.
pub(crate) fn cost_of_items(items: &[Box<RawValue>]) -> Option<Cost> {
    let mut all = items.iter().filter_map(|item| cost(Some(item)));
    let first = all.next()?;
    Some(all.fold(first, |known, next| Cost {
        coins: known.coins.or(next.coins),
        money: known.money.or(next.money),
        third_party_money: known.third_party_money.or(next.third_party_money),
        seconds: known.seconds.or(next.seconds),
    }))
}

/// The amounts in an object; `None` if there is none at all.
pub(crate) fn cost(raw: Option<&RawValue>) -> Option<Cost> {
    let usage: Usage = lenient::object(raw)?;
    let cost = Cost {
        coins: usage.consume_coins,
        money: usage.consume_money,
        third_party_money: usage.third_party_consume_money,
        seconds: usage.task_cost_time,
    };
    (cost != Cost::default()).then_some(cost)
}

/// Parses `failedReason`: an object, the same inside a string, or nothing (`null`, `{}`).
pub(crate) fn failure(raw: Option<&RawValue>) -> Option<Failure> {
    let reason: FailedReason = lenient::object(raw)?;
    let failure = Failure {
        node_id: reason.node_id.map(Into::into),
        node: reason.node_name.map(Into::into),
        exception_type: reason.exception_type.map(Into::into),
        message: reason.exception_message.map(Into::into),
        traceback: traceback(reason.traceback.as_deref()),
        ..Failure::default()
    };
    (failure != Failure::default()).then_some(failure)
}

/// The socket's URL; empty text is `None`.
pub(crate) fn socket(raw: Option<&RawValue>) -> Option<SocketUrl> {
    lenient::scalar(raw).map(SocketUrl::new)
}

/// An array, an array inside a string, or plain text.
fn traceback(raw: Option<&RawValue>) -> Vec<Untrusted> {
    if let Some(lines) = lenient::list(raw) {
        return lines.iter().filter_map(|line| lenient::scalar(Some(line)).map(Into::into)).collect();
    }
    let text = raw.filter(|raw| raw.get().len() <= lenient::NESTED);
    lenient::scalar(text).map(Into::into).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).expect("valid JSON")
    }

    #[test]
    fn a_traceback_has_three_spellings() {
        for json in [r#"["a","b"]"#, r#""[\"a\",\"b\"]""#] {
            assert_eq!(traceback(Some(&raw(json))), ["a", "b"].map(Untrusted::from), "{json}");
        }
        assert_eq!(traceback(Some(&raw("\"  File x, line 1\""))), [Untrusted::from("File x, line 1")]);
        assert_eq!(traceback(Some(&raw("[\"a\",null,7]"))).len(), 2);
        assert!(traceback(Some(&raw("null"))).is_empty());
    }

    #[test]
    fn a_result_says_where_it_is_or_what() {
        let of = |json: &str| OutputFile::from(serde_json::from_str::<Item>(json).expect(json));
        for (json, url, text) in [
            (r#"{"fileUrl":"https://h/a","url":"https://h/b"}"#, Some("https://h/a"), None),
            (r#"{"outputUrl":"https://h/c","text":null}"#, Some("https://h/c"), None),
            (r#"{"url":null,"text":"","content":"hello"}"#, None, Some("hello")),
            (r#"{"text":" a ","content":"b"}"#, None, Some(" a ")),
            (r#"{"output":"c"}"#, None, Some("c")),
            (r#"{"text":""}"#, None, Some("")),
            ("{}", None, None),
        ] {
            let output = of(json);
            assert_eq!(
                (output.url.as_ref().map(FileUrl::expose), output.text.as_deref()),
                (url, text),
                "{json}"
            );
        }
    }

    #[test]
    fn no_reason_is_no_reason() {
        for json in ["null", "{}", "\"\"", "[]", r#"{"current_inputs":"{}","traceback":[]}"#] {
            assert_eq!(failure(Some(&raw(json))), None, "{json}");
        }
        let reason = failure(Some(&raw(r#""{\"node_id\":3,\"exception_type\":\"OutOfMemoryError\"}""#)));
        let expected = Failure {
            node_id: Some("3".into()),
            exception_type: Some("OutOfMemoryError".into()),
            ..Failure::default()
        };
        assert_eq!(reason, Some(expected));
    }

    #[test]
    fn amounts_are_taken_once() {
        let item = raw(r#"{"consumeCoins":"51","taskCostTime":83,"consumeMoney":null}"#);
        let other = raw(r#"{"consumeCoins":"51","consumeMoney":0.14}"#);
        let cost = cost_of_items(&[item, other]).expect("a cost");
        assert_eq!(cost.coins.as_deref(), Some("51"));
        assert_eq!(cost.money.as_deref(), Some("0.14"));
        assert_eq!(cost.seconds.as_deref(), Some("83"));
        assert_eq!(cost_of_items(&[raw("{\"consumeCoins\":null}")]), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(text in r#"(\{|\}|\[|\]|,|:|"|\\|null|1e999|"traceback"|"fileUrl"|"node_id"|\\ud800|7|a)*"#) {
            if let Ok(raw) = RawValue::from_string(text) {
                cost(Some(&raw));
                failure(Some(&raw));
                socket(Some(&raw));
                traceback(Some(&raw));
                outputs(&[raw]);
            }
        }
    }
}
