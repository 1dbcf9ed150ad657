//! An AI app: a scenario with a form.

use serde_json::{Value, json};

use crate::scenario::{Scenario, seed_of};

/// An AI app: another user's workflow that exposes only some of its fields. The workflow itself is not public.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) name: String,
    /// The id that it was recorded with.
    id: Option<String>,
    pub(crate) scenario: Scenario,
    pub(crate) fields: Vec<Value>,
}

impl App {
    /// An app without fields, like one that never ran.
    pub fn new(name: impl Into<String>, scenario: Scenario) -> Self {
        Self { name: name.into(), id: None, scenario, fields: Vec::new() }
    }

    /// A recorded app. Without a form, it takes every field.
    pub(crate) fn recorded(id: String, scenario: Scenario, fields: Option<Vec<Value>>) -> Self {
        let name = scenario.name.clone();
        Self { name, id: Some(id), scenario, fields: fields.unwrap_or_default() }
    }

    /// Adds an entry of `nodeInfoList` as `apiCallDemo` returns it.
    #[must_use]
    pub fn field(mut self, entry: Value) -> Self {
        self.fields.push(entry);
        self
    }

    /// The name of the app.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id under which the simulator serves the app: the recorded one, or else 19 digits that depend on the name
    /// only.
    pub fn id(&self) -> String {
        if let Some(id) = &self.id {
            return id.clone();
        }
        format!("18{:017}", seed_of(&self.name) % 100_000_000_000_000_000)
    }

    /// The id of the app's workflow, which appears only in the socket's URL.
    pub(crate) fn workflow_id(&self) -> String {
        format!("17{:017}", seed_of(&self.name) % 100_000_000_000_000_000)
    }

    /// The form of [`Scenario::demo`], with a field of every type and `fieldData` in every observed shape.
    pub fn demo() -> Self {
        let field = |node: &str,
                     node_name: &str,
                     name: &str,
                     value: &str,
                     data: Value,
                     kind: &str,
                     about: [&str; 2]| {
            let [description, english] = about;
            json!({
                "nodeId": node, "nodeName": node_name, "fieldName": name, "fieldValue": value, "fieldData": data,
                "fieldType": kind, "description": description, "descriptionEn": english, "descriptionCn": null,
            })
        };
        let text = json!(r#"["STRING", {"default": "", "multiline": true}]"#);
        let shapes = json!(
            r#"[{"name":"方形","index":"1:1","description":"square","fastIndex":1.0},{"name":"竖图","index":"3:4","description":"portrait","fastIndex":2.0},{"name":"None","index":"0","description":"","fastIndex":3.0}]"#
        );
        let styles = json!(r#"[["watercolour", "oil", "keep_this_dic"], {"default": "oil"}]"#);
        let picture = json!(r#"[["example.png", "keep_this_dic"], {"image_upload": true}]"#);
        let steps = json!(r#"["INT", {"default": 20, "min": 1, "max": 60}]"#);
        let switch = json!(
            r#"[{"name":"开","index":"1","description":"on"},{"name":"关","index":"0","description":"off"}]"#
        );
        Self::new("portrait", Scenario::demo())
            .field(field("6", "正面提示词", "text", "a lighthouse", text, "STRING", ["提示词", "prompt"]))
            .field(field("3", "采样 KSampler", "steps", "20", steps, "INT", ["步数", "steps"]))
            .field(field("3", "采样 KSampler", "cfg", "6.5", Value::Null, "FLOAT", ["引导", "guidance"]))
            .field(field("5", "画布", "ratio", "1:1", shapes, "LIST", ["比例", "ratio"]))
            .field(field("4", "加载模型", "style", "oil", styles, "COMBO", ["风格", "style"]))
            .field(field("13", "分块放大 (tiled)", "enabled", "1", switch, "SWITCH", ["高清", "upscale"]))
            .field(field(
                "9",
                "保存原图",
                "mode",
                "fast",
                json!("fast,slow,None"),
                "SELECT",
                ["模式", "mode"],
            ))
            .field(field("10", "参考图", "image", "example.png", picture, "IMAGE", ["参考图", "reference"]))
            .field(field("11", "印章", "stamp", "", json!({}), "HOLOGRAM", ["印章", ""]))
    }

    /// Whether the app has this field, and accepts the value for it.
    pub(crate) fn takes(&self, entry: &Value) -> bool {
        let node = match &entry["nodeId"] {
            Value::String(id) => id.clone(),
            Value::Number(id) => id.to_string(),
            _ => return false,
        };
        let named = |field: &&Value| field["nodeId"] == *node && field["fieldName"] == entry["fieldName"];
        let Some(field) = self.fields.iter().find(named) else { return self.fields.is_empty() };
        let value = match &entry["fieldValue"] {
            Value::String(value) => value.clone(),
            Value::Number(value) => value.to_string(),
            Value::Bool(value) => value.to_string(),
            _ => return false,
        };
        // A list with indices accepts the indices, not the displayed names.
        let data = field["fieldData"].as_str().and_then(|data| serde_json::from_str::<Value>(data).ok());
        let indices: Vec<&Value> = data
            .iter()
            .filter_map(Value::as_array)
            .flatten()
            .map(|item| &item["index"])
            .filter(|index| index.is_string())
            .collect();
        indices.is_empty() || indices.iter().any(|index| **index == *value)
    }
}
