//! Events as lines, and the schema of these lines.

use std::time::Duration;

use schemars::{Schema, schema_for};
use serde_json::{Map, Value, json};

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
    Value::Object(object).to_string()
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
    fn every_event_has_the_common_fields_in_the_schema() {
        let schema = json_schema();
        let variants = schema.get("oneOf").and_then(Value::as_array).expect("one schema an event");
        assert_eq!(variants.len(), 15);
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
