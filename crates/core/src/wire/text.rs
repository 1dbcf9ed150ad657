//! Text messages: `{"type": …, "data": …}`.

use std::borrow::Cow;

use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use super::{
    lenient::{Text, lenient_number, lenient_text, lenient_texts},
    nodes::StateNodes,
    repair,
};

/// A text message. Text without escapes is borrowed from the frame.
///
/// Ids may be missing in messages of old servers, and some relays send them as numbers.
#[derive(Debug)]
#[non_exhaustive]
pub enum Message<'a> {
    /// The length of the server's queue, including all clients' prompts.
    Status {
        /// Running and pending prompts.
        queue_remaining: Option<u64>,
    },
    /// The server has accepted the prompt.
    ExecutionStart {
        /// The run.
        prompt_id: Option<Cow<'a, str>>,
    },
    /// The nodes with a cached result; sent once, right after the start.
    ExecutionCached {
        /// The run.
        prompt_id: Option<Cow<'a, str>>,
        /// Their ids.
        nodes: Vec<Cow<'a, str>>,
    },
    /// A node starts, or, without a node, the run is over.
    Executing {
        /// The run. Missing in messages repeated after a reconnect.
        prompt_id: Option<Cow<'a, str>>,
        /// The node: from the workflow, or created by an expansion.
        node: Option<Cow<'a, str>>,
        /// The workflow node that a display should highlight.
        display_node: Option<Cow<'a, str>>,
    },
    /// A progress bar has advanced.
    Progress {
        /// The run.
        prompt_id: Option<Cow<'a, str>>,
        /// The node: from the workflow, or created by an expansion.
        node: Option<Cow<'a, str>>,
        /// The bar's value; may exceed `max`.
        value: Option<f64>,
        /// The bar's maximum; may be 0.
        max: Option<f64>,
    },
    /// All nodes that have started so far (servers from 0.3.45 on).
    ProgressState {
        /// The run.
        prompt_id: Option<Cow<'a, str>>,
        /// The nodes, parsed one by one.
        nodes: StateNodes<'a>,
    },
    /// A node produced output to show. Not sent for ordinary nodes.
    Executed {
        /// The run.
        prompt_id: Option<Cow<'a, str>>,
        /// The node.
        node: Option<Cow<'a, str>>,
        /// The output as JSON: `images`, `gifs`, `text`, …
        output: Option<&'a RawValue>,
    },
    /// The whole run succeeded; with a node, only that node did (some relays send this).
    ExecutionSuccess {
        /// The run.
        prompt_id: Option<Cow<'a, str>>,
        /// The node, if a relay sends this for each node.
        node: Option<Cow<'a, str>>,
    },
    /// A node raised an exception, or was blocked.
    ExecutionError(Box<ExecutionError<'a>>),
    /// The run was interrupted.
    ExecutionInterrupted {
        /// The run.
        prompt_id: Option<Cow<'a, str>>,
        /// The node that was interrupted.
        node: Option<Cow<'a, str>>,
    },
    /// An unknown type, or a known one whose `data` has another shape; kept unchanged, and not necessarily valid JSON
    /// to its end.
    Unknown {
        /// The `type`.
        kind: Cow<'a, str>,
        /// The whole message.
        raw: &'a str,
    },
    /// Not a message at all, even after the repair.
    Unreadable,
}

/// The fields of an `execution_error`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ExecutionError<'a> {
    /// The run.
    #[serde(borrow, deserialize_with = "lenient_text")]
    pub prompt_id: Option<Cow<'a, str>>,
    /// The workflow node that raised the exception.
    #[serde(borrow, deserialize_with = "lenient_text")]
    pub node_id: Option<Cow<'a, str>>,
    /// The name relays use for it. Not an alias: a message with both names would be rejected.
    #[serde(borrow, deserialize_with = "lenient_text")]
    node: Option<Cow<'a, str>>,
    /// The node's class.
    #[serde(borrow, deserialize_with = "lenient_text")]
    pub node_type: Option<Cow<'a, str>>,
    /// The exception's message.
    #[serde(borrow, deserialize_with = "lenient_text")]
    pub exception_message: Option<Cow<'a, str>>,
    /// The exception's type; `ExecutionBlocked` doesn't end the run.
    #[serde(borrow, deserialize_with = "lenient_text")]
    pub exception_type: Option<Cow<'a, str>>,
    /// The Python traceback.
    #[serde(borrow, deserialize_with = "lenient_texts")]
    pub traceback: Vec<Cow<'a, str>>,
}

impl ExecutionError<'_> {
    /// Whether this only reports a blocked node. Such a run continues, and may succeed.
    pub fn is_blocked(&self) -> bool {
        self.exception_type.as_deref() == Some("ExecutionBlocked")
    }
}

/// Decodes a text message. Total: any text decodes to a value.
///
/// Strict JSON first; if that fails, the text is repaired (see [`repair()`](super::repair())) into `scratch` and
/// parsed again.
pub fn decode_text<'a>(text: &'a str, scratch: &'a mut String) -> Message<'a> {
    if let Ok(message) = decode(text) {
        return message;
    }
    match repair(text) {
        Some(repaired) => {
            *scratch = repaired;
            decode(scratch).unwrap_or(Message::Unreadable)
        }
        None => Message::Unreadable,
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// Fails only on invalid JSON; valid JSON of another shape is an unknown message.
fn decode(text: &str) -> Result<Message<'_>, serde_json::Error> {
    if let Some(message) = decode_usual(text) {
        return Ok(message);
    }
    let envelope = match serde_json::from_str::<Envelope<'_>>(text) {
        Ok(envelope) => envelope,
        Err(error) if error.is_data() => {
            // Valid JSON, but not an object with a `type`. The part after the first wrong field has not been parsed
            // yet.
            serde_json::from_str::<IgnoredAny>(text)?;
            return Ok(Message::Unknown { kind: Cow::Borrowed(""), raw: text });
        }
        Err(error) => return Err(error),
    };
    let known = decode_data(&envelope.kind.0, envelope.data.map_or("null", RawValue::get))?;
    Ok(known.unwrap_or(Message::Unknown { kind: envelope.kind.0, raw: text }))
}

/// Parses the form that servers write, `{"type": …, "data": {…}}` in this order, in one pass, and doesn't parse types
/// that are irrelevant here. `None` sends everything else to the slow path.
fn decode_usual(text: &str) -> Option<Message<'_>> {
    let (kind, rest) = value_of(text, "{", "\"type\"")?.strip_prefix('"')?.split_once('"')?;
    let data = value_of(rest, ",", "\"data\"")?.trim_ascii_end().strip_suffix('}')?;
    // The nodes of a snapshot are parsed on the assumption that they are valid JSON.
    if kind.contains('\\') || kind == "progress_state" || !data.starts_with('{') {
        return None;
    }
    let known = decode_data(kind, data).ok()?;
    Some(known.unwrap_or(Message::Unknown { kind: Cow::Borrowed(kind), raw: text }))
}

/// The text after an opening mark, a key and a colon.
fn value_of<'a>(text: &'a str, mark: &str, key: &str) -> Option<&'a str> {
    let key = text.trim_ascii_start().strip_prefix(mark)?.trim_ascii_start().strip_prefix(key)?;
    Some(key.trim_ascii_start().strip_prefix(':')?.trim_ascii_start())
}

/// `None` for irrelevant types, and for data of another shape.
fn decode_data<'a>(kind: &str, data: &'a str) -> Result<Option<Message<'a>>, serde_json::Error> {
    Ok(match kind {
        // Sorted by frequency.
        "progress" => parse::<Progress<'_>>(data)?.map(|one| Message::Progress {
            prompt_id: one.prompt_id,
            node: one.node.or(one.node_id),
            value: one.value,
            max: one.max,
        }),
        "progress_state" => {
            StateNodes::new(data).map(|nodes| Message::ProgressState { prompt_id: nodes.prompt_id(), nodes })
        }
        "executing" => parse::<Run<'_>>(data)?.map(|run| Message::Executing {
            prompt_id: run.prompt_id,
            node: run.node.or(run.node_id),
            display_node: run.display_node,
        }),
        "executed" => parse::<Run<'_>>(data)?.map(|run| Message::Executed {
            prompt_id: run.prompt_id,
            node: run.node.or(run.node_id),
            output: run.output,
        }),
        "execution_cached" => parse::<Cached<'_>>(data)?
            .map(|Cached { prompt_id, nodes }| Message::ExecutionCached { prompt_id, nodes }),
        "execution_start" => {
            parse::<Run<'_>>(data)?.map(|run| Message::ExecutionStart { prompt_id: run.prompt_id })
        }
        "execution_success" => parse::<Run<'_>>(data)?.map(|run| Message::ExecutionSuccess {
            prompt_id: run.prompt_id,
            node: run.node.or(run.node_id),
        }),
        "execution_interrupted" => parse::<Run<'_>>(data)?.map(|run| Message::ExecutionInterrupted {
            prompt_id: run.prompt_id,
            node: run.node.or(run.node_id),
        }),
        "execution_error" => parse::<ExecutionError<'_>>(data)?.map(|mut error| {
            error.node_id = error.node_id.or(error.node.take());
            Message::ExecutionError(Box::new(error))
        }),
        "status" => parse::<Status>(data)?
            .map(|status| Message::Status { queue_remaining: status.status.exec_info.queue_remaining }),
        _ => None,
    })
}

/// `None` if the data has another shape.
fn parse<'a, T: Deserialize<'a>>(data: &'a str) -> Result<Option<T>, serde_json::Error> {
    if !data.starts_with('{') {
        return Ok(None);
    }
    match serde_json::from_str(data) {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_data() => Ok(None),
        Err(error) => Err(error),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Progress<'a> {
    #[serde(borrow, deserialize_with = "lenient_text")]
    prompt_id: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "lenient_text")]
    node: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "lenient_text")]
    node_id: Option<Cow<'a, str>>,
    #[serde(deserialize_with = "lenient_number")]
    value: Option<f64>,
    #[serde(deserialize_with = "lenient_number")]
    max: Option<f64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Run<'a> {
    #[serde(borrow, deserialize_with = "lenient_text")]
    prompt_id: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "lenient_text")]
    node: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "lenient_text")]
    node_id: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "lenient_text")]
    display_node: Option<Cow<'a, str>>,
    #[serde(borrow)]
    output: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Cached<'a> {
    #[serde(borrow, deserialize_with = "lenient_text")]
    prompt_id: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "lenient_texts")]
    nodes: Vec<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    status: StatusBody,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StatusBody {
    exec_info: ExecInfo,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ExecInfo {
    queue_remaining: Option<u64>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn debug(text: &str) -> String {
        format!("{:?}", decode_text(text, &mut String::new()))
    }

    #[test]
    fn messages_are_read() {
        insta::assert_snapshot!(debug(r#"{"type":"progress","data":{"value":3,"max":20,"prompt_id":"p","node":"5"}}"#),
            @r#"Progress { prompt_id: Some("p"), node: Some("5"), value: Some(3.0), max: Some(20.0) }"#);
        insta::assert_snapshot!(debug(r#"{"type":"executed","data":{"node":null,"node_id":"7","output":{}}}"#),
            @r#"Executed { prompt_id: None, node: Some("7"), output: Some(RawValue({})) }"#);
        insta::assert_snapshot!(debug(r#"{"data":{"node":12,"prompt_id":null},"type":"executing"}"#),
            @r#"Executing { prompt_id: None, node: Some("12"), display_node: None }"#);
        insta::assert_snapshot!(debug(r#"{"type":"execution_cached","data":{"nodes":["1",2,null,{}],"prompt_id":"p"}}"#),
            @r#"ExecutionCached { prompt_id: Some("p"), nodes: ["1", "2"] }"#);
        insta::assert_snapshot!(debug(r#"{"type":"status","data":{"status":{"exec_info":{"queue_remaining":2}},"sid":"x"}}"#),
            @"Status { queue_remaining: Some(2) }");
        insta::assert_snapshot!(debug(r#"{"type":"progress","data":{"value":NaN,"max":"x","node":"caf\u00e9"}}"#),
            @r#"Progress { prompt_id: None, node: Some("café"), value: None, max: None }"#);
    }

    #[test]
    fn unknown_fields_are_kept_and_invalid_json_is_reported() {
        for raw in [
            r#"{"type":"crystools.monitor","data":{"cpu":3}}"#,
            r#"{"type":"progress","data":[1,2]}"#,
            r#"{"type":"progress","data":null}"#,
            r#"{"type":"progress"}"#,
            r#"{"type":7,"data":{}}"#,
            r#"[{"type":"progress"}]"#,
            "3",
        ] {
            assert!(
                matches!(decode_text(raw, &mut String::new()), Message::Unknown { raw: kept, .. } if kept == raw),
                "{raw}"
            );
        }
        for bad in ["", "{", r#"{"type":"progress","data":{"value":}}"#, "<html>", r#"{"type":7"#] {
            assert!(matches!(decode_text(bad, &mut String::new()), Message::Unreadable), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn it_is_total(text in "\\PC*") {
            drop(decode_text(&text, &mut String::new()));
        }

        #[test]
        fn any_data_of_a_known_type_is_read(
            kind in prop::sample::select(vec!["progress", "executing", "executed", "execution_error", "execution_cached",
                "execution_start", "execution_success", "execution_interrupted", "progress_state", "status"]),
            field in prop::sample::select(vec!["node", "nodes", "prompt_id", "value", "max", "traceback", "status"]),
            value in prop::sample::select(vec!["null", "1", "-1.5", "true", "\"x\"", "[1,[2]]", "{\"a\":{}}", "NaN", "1e308"]),
        ) {
            let text = format!(r#"{{"type":"{kind}","data":{{"{field}":{value}}}}}"#);
            prop_assert!(!matches!(decode_text(&text, &mut String::new()), Message::Unreadable));
            // Unknown messages are kept unchanged, so only their text differs.
            let read = |text: &str| debug(text).split("raw: ").next().map(str::to_owned);
            prop_assert_eq!(read(&text), read(&format!(r#"{{"data":{{"{field}":{value}}},"type":"{kind}"}}"#)));
        }
    }
}
