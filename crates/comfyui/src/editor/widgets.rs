//! Assigns the values of widgets to the inputs of their class.

use runninghub_core::{Sentence, say};
use serde_json::{Map, Value, json};

use super::file::Node;
use crate::ClassInfo;

/// The values of the widget that the editor adds to a seed. It isn't an input.
const CONTROL: [&str; 4] = ["fixed", "increment", "decrement", "randomize"];
/// The options of inputs with a button to upload a file, which also has a value.
const UPLOADS: [&str; 5] =
    ["image_upload", "video_upload", "audio_upload", "animated_image_upload", "file_upload"];

/// The inputs that widgets supply.
pub(super) fn values(node: &Node, class: &ClassInfo) -> Result<Map<String, Value>, Sentence> {
    let widgets = class.inputs().filter_map(|(name, spec)| Widget::new(node, name, spec));
    let mut found = Map::new();
    if let Value::Object(named) = &node.widgets_values {
        for widget in widgets {
            if let Some(value) = named.get(widget.name).cloned().or_else(|| widget.default()) {
                found.insert(widget.name.to_owned(), widget.checked(value)?);
            }
        }
        return Ok(found);
    }
    let mut values = node.widgets_values.as_array().into_iter().flatten().peekable();
    for widget in widgets {
        let value = values.next().cloned();
        let of_editor = |value: &&Value| {
            let text = value.as_str().unwrap_or_default();
            widget.is_controlled() && CONTROL.contains(&text) || widget.is_upload(text)
        };
        values.next_if(of_editor);
        // A class that has grown has more widgets than an older workflow.
        if let Some(value) = value.or_else(|| widget.default()) {
            found.insert(widget.name.to_owned(), widget.checked(value)?);
        }
    }
    Ok(found)
}

/// An input with a widget.
struct Widget<'a> {
    name: &'a str,
    kind: &'a str,
    /// The values of a list.
    choices: Option<&'a Vec<Value>>,
    options: &'a Value,
}

impl<'a> Widget<'a> {
    /// `None` for an input that only takes links.
    fn new(node: &Node, name: &'a str, spec: &'a Value) -> Option<Self> {
        let (kind, options) = (&spec[0], &spec[1]);
        let choices = kind.as_array().or_else(|| options["options"].as_array());
        let kind = if kind.is_array() { "COMBO" } else { kind.as_str().unwrap_or_default() };
        let is_forced = options["forceInput"] == true;
        let is_basic = ["INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"].contains(&kind);
        let slot = node.inputs.iter().find(|input| input.name == name);
        // The editor lists an input without a widget always, and older versions list no other.
        let has_widget = if is_basic { !is_forced } else { slot.is_some_and(|slot| slot.widget.is_some()) };
        has_widget.then_some(Self { name, kind, choices, options })
    }

    fn is_controlled(&self) -> bool {
        self.options["control_after_generate"] == true || ["seed", "noise_seed"].contains(&self.name)
    }

    fn is_upload(&self, value: &str) -> bool {
        let kinds = ["image", "video", "audio", "file", "upload"];
        UPLOADS.iter().any(|option| self.options[option] == true) && kinds.contains(&value)
    }

    fn default(&self) -> Option<Value> {
        let given = self.options.get("default").cloned();
        given.or_else(|| self.choices?.first().cloned())
    }

    /// The value, if the widget can have it. A value of another type shows that the values belong to another version of
    /// the class.
    fn checked(&self, value: Value) -> Result<Value, Sentence> {
        let fits = match self.kind {
            "INT" | "FLOAT" => value.is_number(),
            "BOOLEAN" => value.is_boolean(),
            "STRING" => value.is_string(),
            "COMBO" => value.is_string() || value.is_number() || value.is_boolean(),
            _ => true,
        };
        if !fits && !value.is_null() {
            let shown = value.to_string();
            return Err(say!(
                "`{name}` would be {value}, which is not of the type {kind}",
                name = self.name,
                value = shown,
                kind = self.kind
            ));
        }
        // A list would be a link.
        Ok(if value.is_array() { json!({ "__value__": value }) } else { value })
    }
}
