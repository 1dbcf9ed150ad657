//! `GET /object_info/{class}`: for one class, since all of them take some 30 MB.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Client, Error, http::Call};

/// A node class of a server.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ClassInfo {
    /// Whether its nodes are outputs: a prompt runs the nodes that its outputs need.
    pub output_node: bool,
    input: Value,
}

impl ClassInfo {
    /// The inputs in their order, each with its specification: the type, and its options.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = (&str, &Value)> {
        let parts = ["required", "optional"].into_iter().filter_map(|part| self.input.get(part)?.as_object());
        parts.flatten().map(|(name, spec)| (&**name, spec))
    }

    /// The allowed values of an input with choices: the models on the server, the uploaded files.
    pub fn choices(&self, input: &str) -> Vec<&str> {
        let spec = ["required", "optional"].iter().find_map(|part| self.input.get(part)?.get(input));
        let Some(spec) = spec.and_then(Value::as_array) else { return Vec::new() };
        // The list replaces the type of the input, or is among the options in newer classes.
        let listed = spec.first().and_then(Value::as_array);
        let listed = listed.or_else(|| spec.get(1)?.get("options")?.as_array());
        listed.into_iter().flatten().filter_map(Value::as_str).collect()
    }
}

pub(crate) async fn get(client: &Client, class_type: &str) -> Result<Option<ClassInfo>, Error> {
    let call = Call { name: "object_info", segments: &["object_info", class_type] };
    let mut body = client.get(&call).await?.object()?;
    let Some(class) = body.get_mut(class_type).filter(|class| class.is_object()) else { return Ok(None) };
    Ok(Some(ClassInfo { output_node: class["output_node"] == true, input: class["input"].take() }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn choices_stand_in_two_places() {
        let input = json!({
            "required": {"ckpt_name": [["a.safetensors", "b.ckpt"], {}], "steps": ["INT", {"default": 20}]},
            "optional": {"mode": ["COMBO", {"options": ["x", "y"]}]},
        });
        let class = ClassInfo { output_node: false, input };
        assert_eq!(class.choices("ckpt_name"), ["a.safetensors", "b.ckpt"]);
        assert_eq!(class.choices("mode"), ["x", "y"]);
        assert_eq!(class.choices("steps"), [""; 0]);
        assert_eq!(class.choices("none"), [""; 0]);
    }
}
