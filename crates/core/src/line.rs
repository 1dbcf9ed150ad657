//! The published format: one JSON object per line.

use std::{fmt, io, time::Duration};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Error as _},
    ser::{Error as _, SerializeMap as _},
};
use serde_json::{Map, Value, ser::Formatter};

use crate::{Event, TaskId, Untrusted, figures::seconds};

/// Name and version of the format.
pub const FORMAT: &str = "rhub.event/1";

/// One line of the published format: an event, its time and its task.
///
/// `Display` writes a single line and escapes characters that a terminal would interpret or hide. To a JSON parser the
/// line is the same.
#[derive(Clone, Debug)]
pub struct Line<E = Event> {
    /// Time since the start; in a replay, the recording's time. Seconds in JSON.
    pub t: Duration,
    /// The task, if the event is about one.
    pub task_id: Option<TaskId>,
    /// The event.
    pub event: E,
}

impl<E: Serialize> Serialize for Line<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Value::Object(fields) = serde_json::to_value(&self.event).map_err(S::Error::custom)? else {
            return Err(S::Error::custom("an event is an object"));
        };
        let mut line = serializer.serialize_map(None)?;
        line.serialize_entry("schema", FORMAT)?;
        line.serialize_entry("t", &seconds::of(self.t))?;
        for (name, value) in &fields {
            line.serialize_entry(name, value)?;
        }
        // Some events already contain the task's id.
        if let Some(task_id) = self.task_id.as_ref().filter(|_| !fields.contains_key("task_id")) {
            line.serialize_entry("task_id", task_id)?;
        }
        line.end()
    }
}

impl<'de, E: DeserializeOwned> Deserialize<'de> for Line<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        if fields.shift_remove("schema").as_ref().and_then(Value::as_str) != Some(FORMAT) {
            return Err(D::Error::custom(format_args!("`schema` is not `{FORMAT}`")));
        }
        let t = fields.shift_remove("t").as_ref().and_then(Value::as_f64);
        let t = t.ok_or_else(|| D::Error::custom("`t` is not a number"))?;
        let task_id = fields.get("task_id").and_then(Value::as_str).map(Into::into);
        if !fields.get("event").is_some_and(Value::is_string) {
            return Err(D::Error::custom("`event` is not a name"));
        }
        let event = E::deserialize(Value::Object(fields)).map_err(D::Error::custom)?;
        Ok(Self { t: seconds::read(t), task_id, event })
    }
}

impl<E: Serialize> fmt::Display for Line<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = Vec::new();
        self.serialize(&mut serde_json::Serializer::with_formatter(&mut line, Escaped))
            .map_err(|_| fmt::Error)?;
        f.write_str(&String::from_utf8_lossy(&line))
    }
}

/// Compact JSON in which unsafe characters are escaped.
struct Escaped;

impl Formatter for Escaped {
    fn write_string_fragment<W: io::Write + ?Sized>(&mut self, out: &mut W, text: &str) -> io::Result<()> {
        let mut rest = text;
        while let Some(at) = rest.find(|c| !Untrusted::is_safe(c)) {
            let (plain, tail) = rest.split_at(at);
            out.write_all(plain.as_bytes())?;
            let mut tail = tail.chars();
            for unit in tail.next().into_iter().flat_map(|c| c.encode_utf16(&mut [0; 2]).to_vec()) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = tail.as_str();
        }
        out.write_all(rest.as_bytes())
    }
}

#[cfg(feature = "schema")]
mod schema {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator};
    use serde_json::{Value, json};

    use super::{FORMAT, Line};

    /// One schema per event, with the fields that all lines have.
    impl<E: JsonSchema> JsonSchema for Line<E> {
        fn schema_name() -> Cow<'static, str> {
            FORMAT.into()
        }

        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            let mut schema = E::json_schema(generator);
            let variants = schema.get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten();
            for variant in variants {
                if let Some(properties) = variant.get_mut("properties").and_then(Value::as_object_mut) {
                    properties.insert("schema".to_owned(), json!({ "const": FORMAT }));
                    properties.insert(
                        "t".to_owned(),
                        json!({ "type": "number", "minimum": 0, "description": "Seconds since the start." }),
                    );
                    properties.insert(
                        "task_id".to_owned(),
                        json!({ "type": ["string", "null"], "description": "The task that it is about." }),
                    );
                }
                if let Some(required) = variant.get_mut("required").and_then(Value::as_array_mut) {
                    required.extend(["schema".into(), "t".into()]);
                }
            }
            schema
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Connection, ConnectionState};

    fn line(event: Event) -> Line {
        Line { t: Duration::from_micros(1_234_567), task_id: Some("7".into()), event }
    }

    #[test]
    fn a_line_begins_with_the_format_and_the_time_and_names_its_task_once() {
        let live = Connection { state: ConnectionState::Live, attempt: 1 };
        insta::assert_snapshot!(
            line(Event::Connection(live)),
            @r#"{"schema":"rhub.event/1","t":1.235,"event":"connection","state":"live","attempt":1,"task_id":"7"}"#
        );
        let outcome = crate::Outcome { task_id: Some("7".into()), ..crate::Outcome::default() };
        let result = line(Event::Result(Box::new(outcome))).to_string();
        assert_eq!(result.matches("task_id").count(), 1, "{result}");
    }

    #[cfg(feature = "schema")]
    #[test]
    fn the_schema_has_every_event_that_is_published() {
        let schema = schemars::generate::SchemaSettings::default().for_serialize().into_generator();
        let schema = schema.into_root_schema_for::<Line>().to_value();
        let events: Vec<&str> = schema["oneOf"]
            .as_array()
            .expect("one schema an event")
            .iter()
            .filter_map(|variant| variant["properties"]["event"]["const"].as_str())
            .collect();
        assert_eq!(
            events.join(" "),
            "submitted status plan connection progress node preview text transfer warning output result"
        );
    }

    #[test]
    fn nothing_in_a_line_commands_a_terminal() {
        let text = "\u{1b}]0;x\u{7} \u{9b}2J \u{7f} \u{202e} \u{e0001} \"é\"\n";
        let line = line(Event::Text { node_id: text.into(), title: None, text: text.into() }).to_string();
        assert!(line.chars().all(Untrusted::is_safe), "{line}");
        assert!(line.contains("\\udb40\\udc01 \\\"é"), "{line}");
        let read: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!((&read["text"], &read["node_id"]), (&text.into(), &text.into()));
    }

    #[test]
    fn an_event_of_a_newer_version_is_kept() {
        for text in [
            r#"{"schema":"rhub.event/1","t":0.5,"event":"weather","degrees":21,"task_id":"7"}"#,
            r#"{"schema":"rhub.event/1","t":0.5,"event":"connection","state":"by_pigeon","attempt":1}"#,
            r#"{"schema":"rhub.event/1","t":0.5,"event":"status","status":"paused","waited_s":2.0}"#,
        ] {
            let line: Line = serde_json::from_str(text).expect("a line");
            assert_eq!(line.to_string(), text);
        }
    }

    #[test]
    fn text_that_is_not_an_event_line_is_refused() {
        for text in [
            "[]",
            "{}",
            r#"{"schema":"rhub.event/2","t":0,"event":"text","node_id":"1","text":""}"#,
            r#"{"schema":"rhub.event/1","t":0}"#,
            r#"{"schema":"rhub.event/1","event":"text","node_id":"1","text":""}"#,
        ] {
            assert!(serde_json::from_str::<Line>(text).is_err(), "{text}");
        }
    }
}
