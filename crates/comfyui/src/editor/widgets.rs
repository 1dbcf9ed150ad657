//! Assigns the values of widgets to the inputs of their class.

use std::collections::VecDeque;

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
    let named = node.widgets_values.as_object();
    let mut values = node.widgets_values.as_array().into_iter().flatten().peekable();
    let mut found = Map::new();
    let mut inputs: VecDeque<(String, &Value)> =
        class.inputs().map(|(name, spec)| (name.to_owned(), spec)).collect();
    while let Some((name, spec)) = inputs.pop_front() {
        let Some(widget) = Widget::new(node, name, spec) else { continue };
        let value = if let Some(named) = named {
            named.get(&widget.name)
        } else {
            let value = values.next();
            let of_editor = |value: &&Value| {
                let text = value.as_str().unwrap_or_default();
                widget.is_controlled() && CONTROL.contains(&text) || widget.is_upload(text)
            };
            values.next_if(of_editor);
            value
        };
        // A class that has grown has more widgets than an older workflow.
        let Some(value) = value.cloned().or_else(|| widget.default()) else { continue };
        // The inputs of the choice come next.
        for (child, spec) in widget.inputs_of(&value).rev() {
            inputs.push_front((format!("{}.{child}", widget.name), spec));
        }
        let value = widget.checked(value)?;
        found.insert(widget.name, value);
    }
    Ok(found)
}

/// A list whose choices have inputs of their own: `[DYNAMIC, {"options": [{"key": …, "inputs": {"required": {…}}}]}]`. In
/// the prompt, an input of the choice is named `LIST.INPUT`.
const DYNAMIC: &str = "COMFY_DYNAMICCOMBO_V3";

/// An input with a widget.
struct Widget<'a> {
    name: String,
    kind: &'a str,
    /// The values of a list.
    choices: Option<&'a Vec<Value>>,
    options: &'a Value,
}

impl<'a> Widget<'a> {
    /// `None` for an input that only takes links.
    fn new(node: &Node, name: String, spec: &'a Value) -> Option<Self> {
        let (kind, options) = (&spec[0], &spec[1]);
        let choices = kind.as_array().or_else(|| options["options"].as_array());
        let kind = if kind.is_array() { "COMBO" } else { kind.as_str().unwrap_or_default() };
        let is_forced = options["forceInput"] == true;
        let is_basic = ["INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", DYNAMIC].contains(&kind);
        let slot = node.inputs.iter().find(|input| input.name == name);
        // The editor lists an input without a widget always, and older versions list no other.
        let has_widget = if is_basic { !is_forced } else { slot.is_some_and(|slot| slot.widget.is_some()) };
        has_widget.then_some(Self { name, kind, choices, options })
    }

    fn is_controlled(&self) -> bool {
        self.options["control_after_generate"] == true || ["seed", "noise_seed"].contains(&&*self.name)
    }

    fn is_upload(&self, value: &str) -> bool {
        let kinds = ["image", "video", "audio", "file", "upload"];
        UPLOADS.iter().any(|option| self.options[option] == true) && kinds.contains(&value)
    }

    fn default(&self) -> Option<Value> {
        let given = self.options.get("default").cloned();
        given.or_else(|| {
            let first = self.choices?.first()?;
            Some(first.get("key").unwrap_or(first).clone())
        })
    }

    /// The inputs of the chosen value in their order, each with its specification.
    fn inputs_of(&self, value: &Value) -> impl DoubleEndedIterator<Item = (&'a String, &'a Value)> + use<'a> {
        let choices = self.choices.filter(|_| self.kind == DYNAMIC).into_iter().flatten();
        let inputs = choices.into_iter().find(|choice| choice.get("key") == Some(value));
        let inputs = inputs.and_then(|choice| choice.get("inputs"));
        let part = |part| inputs.and_then(|inputs| inputs.get(part)?.as_object()).into_iter().flatten();
        part("required").chain(part("optional"))
    }

    /// The value, if the widget can have it. A value of another type shows that the values belong to another version of
    /// the class.
    fn checked(&self, value: Value) -> Result<Value, Sentence> {
        let fits = match self.kind {
            "INT" | "FLOAT" => value.is_number(),
            "BOOLEAN" => value.is_boolean(),
            "STRING" => value.is_string(),
            "COMBO" | DYNAMIC => value.is_string() || value.is_number() || value.is_boolean(),
            _ => true,
        };
        if !fits && !value.is_null() {
            let shown = value.to_string();
            return Err(say!(
                "`{name}` would be {value}, which is not of the type {kind}",
                name = &*self.name,
                value = shown,
                kind = self.kind
            ));
        }
        // A list would be a link.
        Ok(if value.is_array() { json!({ "__value__": value }) } else { value })
    }
}
