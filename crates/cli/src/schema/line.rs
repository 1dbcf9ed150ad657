//! Events as lines, and the schema of these lines.

use std::{io, time::Duration};

use runninghub::Untrusted;
use schemars::{Schema, schema_for};
use serde::Serialize as _;
use serde_json::{Map, Serializer, Value, json, ser::Formatter};

use super::{Event, seconds};

/// Name and number of the format.
const FORMAT: &str = "rhub.event/1";

/// One line without its line break. `t` is the time since the start.
pub(crate) fn line(t: Duration, event: &Event) -> String {
    let mut object = Map::new();
    object.insert("schema".to_owned(), FORMAT.into());
    object.insert("t".to_owned(), seconds(t).into());
    if let Ok(Value::Object(fields)) = serde_json::to_value(event) {
        object.extend(fields);
    }
    let mut line = Vec::new();
    // Writing to memory does not fail, and the keys are text.
    let _ = Value::Object(object).serialize(&mut Serializer::with_formatter(&mut line, Escaped));
    String::from_utf8(line).unwrap_or_default()
}

/// Compact JSON in which what a terminal obeys or hides is escaped: it is the same JSON to a program.
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

/// The JSON Schema of every line.
pub(crate) fn json_schema() -> Schema {
    let mut schema = schema_for!(Event);
    schema.insert("title".to_owned(), FORMAT.into());
    let variants = schema.get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten();
    for variant in variants {
        if let Some(properties) = variant.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert("schema".to_owned(), json!({ "const": FORMAT }));
            properties.insert(
                "t".to_owned(),
                json!({ "type": "number", "minimum": 0, "description": "Seconds since the start." }),
            );
        }
        if let Some(required) = variant.get_mut("required").and_then(Value::as_array_mut) {
            required.extend(["schema".into(), "t".into()]);
        }
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Connection;

    #[test]
    fn a_line_begins_with_the_format_and_the_time() {
        let event = Event::Connection(Connection { state: "live", attempt: 1 });
        insta::assert_snapshot!(
            line(Duration::from_micros(1_234_567), &event),
            @r#"{"schema":"rhub.event/1","t":1.235,"event":"connection","state":"live","attempt":1}"#
        );
    }

    #[test]
    fn nothing_in_a_line_commands_a_terminal() {
        let text = "\u{1b}]0;x\u{7} \u{9b}2J \u{7f} \u{202e} \u{e0001} \"é\"\n";
        let event = Event::Text(crate::schema::Text { node_id: text.to_owned(), text: text.into() });
        let line = line(Duration::ZERO, &event);
        assert!(line.chars().all(Untrusted::is_safe), "{line}");
        assert!(line.contains("\\udb40\\udc01 \\\"é"), "{line}");
        let read: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!((&read["text"], &read["node_id"]), (&text.into(), &text.into()));
    }

    #[test]
    fn every_event_has_the_common_fields_in_the_schema() {
        let schema = json_schema();
        let variants = schema.get("oneOf").and_then(Value::as_array).expect("one schema an event");
        assert_eq!(variants.len(), 31);
        for variant in variants {
            assert_eq!(variant["properties"]["schema"]["const"], FORMAT);
            for name in ["schema", "t", "event"] {
                assert!(
                    variant["required"].as_array().is_some_and(|all| all.contains(&name.into())),
                    "{name}"
                );
            }
        }
    }
}
