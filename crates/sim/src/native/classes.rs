//! The server's node classes.

use serde_json::{Map, Value, json};

use crate::Scenario;

/// The server's models.
const CHECKPOINTS: [&str; 3] =
    ["sd_xl_base_1.0.safetensors", "v1-5-pruned-emaonly.safetensors", "dreamshaper_8.safetensors"];
const SAMPLERS: [&str; 4] = ["euler", "euler_ancestral", "dpmpp_2m", "ddim"];
const SCHEDULERS: [&str; 3] = ["normal", "karras", "simple"];

#[derive(Debug)]
pub(crate) struct Classes(Map<String, Value>);

impl Classes {
    /// The built-in classes, and those of the scenarios.
    pub(crate) fn new(scenarios: &[Scenario]) -> Self {
        let mut classes = Map::new();
        let mut add = |name: &str, outputs: &[&str], output_node, required: Value| {
            classes.entry(name).or_insert_with(|| class(name, outputs, output_node, &required));
        };
        let int =
            |default: i64, min: i64, max: i64| json!(["INT", {"default": default, "min": min, "max": max}]);
        add(
            "CheckpointLoaderSimple",
            &["MODEL", "CLIP", "VAE"],
            false,
            json!({"ckpt_name": [CHECKPOINTS, {}]}),
        );
        add(
            "CLIPTextEncode",
            &["CONDITIONING"],
            false,
            json!({"text": ["STRING", {"multiline": true}], "clip": ["CLIP"]}),
        );
        add(
            "EmptyLatentImage",
            &["LATENT"],
            false,
            json!({
                "width": int(512, 16, 16384), "height": int(512, 16, 16384), "batch_size": int(1, 1, 4096),
            }),
        );
        add(
            "KSampler",
            &["LATENT"],
            false,
            json!({
                "model": ["MODEL"], "seed": int(0, 0, i64::MAX), "steps": int(20, 1, 10000),
                "cfg": ["FLOAT", {"default": 8.0, "min": 0.0, "max": 100.0}],
                "sampler_name": [SAMPLERS, {}], "scheduler": [SCHEDULERS, {}],
                "positive": ["CONDITIONING"], "negative": ["CONDITIONING"], "latent_image": ["LATENT"],
                "denoise": ["FLOAT", {"default": 1.0, "min": 0.0, "max": 1.0}],
            }),
        );
        add("VAEDecode", &["IMAGE"], false, json!({"samples": ["LATENT"], "vae": ["VAE"]}));
        add(
            "EmptyImage",
            &["IMAGE"],
            false,
            json!({
                "width": int(512, 1, 16384), "height": int(512, 1, 16384), "batch_size": int(1, 1, 4096), "color": int(0, 0, 0xff_ffff),
            }),
        );
        add("StartLoop", &["IMAGE"], false, json!({"image": ["IMAGE"], "iterations": int(4, 1, 10000)}));
        add("EndLoop", &["IMAGE"], false, json!({"image": ["IMAGE"]}));
        add("ImageInvert", &["IMAGE"], false, json!({"image": ["IMAGE"]}));
        add("LoadImage", &["IMAGE", "MASK"], false, json!({"image": [[], {"image_upload": true}]}));
        add(
            "SaveImage",
            &[],
            true,
            json!({"images": ["IMAGE"], "filename_prefix": ["STRING", {"default": "ComfyUI"}]}),
        );
        add("PreviewImage", &[], true, json!({"images": ["IMAGE"]}));
        for scenario in scenarios {
            for (id, node) in &scenario.workflow {
                let Some(name) = node["class_type"].as_str() else { continue };
                let inputs = node["inputs"].as_object().into_iter().flatten();
                let inputs = inputs.map(|(name, value)| (name.clone(), json!([kind(value)]))).collect();
                let is_output =
                    scenario.outputs_to_execute.contains(id) || matches!(name, "SaveImage" | "PreviewImage");
                add(name, &["*"], is_output, Value::Object(inputs));
            }
        }
        Self(classes)
    }

    pub(crate) fn is_known(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn is_output(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|class| class["output_node"] == true)
    }

    /// The expected type of each input.
    pub(crate) fn required(&self, name: &str) -> Map<String, Value> {
        let class = self.0.get(name).map(|class| &class["input"]["required"]);
        class.and_then(Value::as_object).cloned().unwrap_or_default()
    }

    /// One class or all, with the uploaded files as the choices of `LoadImage`.
    pub(crate) fn shown(&self, name: Option<&str>, uploads: &[String]) -> Value {
        let one = |(name, class): (&String, &Value)| {
            let mut class = class.clone();
            if name == "LoadImage" {
                class["input"]["required"]["image"][0] = json!(uploads);
            }
            (name.clone(), class)
        };
        self.0.iter().filter(|(found, _)| name.is_none_or(|name| name == *found)).map(one).collect()
    }
}

fn class(name: &str, outputs: &[&str], output_node: bool, required: &Value) -> Value {
    let order: Vec<_> = required.as_object().into_iter().flatten().map(|(name, _)| name).collect();
    json!({
        "input": {"required": required}, "input_order": {"required": order}, "output": outputs,
        "output_is_list": vec![false; outputs.len()], "output_name": outputs, "name": name, "display_name": name,
        "description": "", "python_module": "nodes", "category": "", "output_node": output_node,
    })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "STRING",
        Value::Bool(_) => "BOOLEAN",
        Value::Number(number) if number.is_f64() => "FLOAT",
        Value::Number(_) => "INT",
        _ => "*",
    }
}
