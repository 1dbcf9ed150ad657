use serde_json::{Value, json};

use super::{EditorError, EditorWorkflow};
use crate::ClassInfo;

/// Classes as `/object_info` describes them.
fn class(name: &str) -> Option<&'static ClassInfo> {
    use std::{collections::HashMap, sync::OnceLock};

    static CLASSES: OnceLock<HashMap<String, ClassInfo>> = OnceLock::new();
    let all = CLASSES.get_or_init(|| {
        let all = json!({
            "KSampler": {"required": {
                "model": ["MODEL", {}],
                "seed": ["INT", {"default": 0, "control_after_generate": true}],
                "steps": ["INT", {"default": 20}],
                "cfg": ["FLOAT", {"default": 8.0}],
                "sampler_name": [["euler", "dpm"], {}],
                "positive": ["CONDITIONING", {}],
                "latent_image": ["LATENT", {}],
                "denoise": ["FLOAT", {"default": 1.0}],
            }},
            "CLIPTextEncode": {"required": {"text": ["STRING", {"multiline": true}], "clip": ["CLIP"]}},
            "Loader": {"required": {"ckpt_name": ["COMBO", {"options": ["a.safetensors"]}]}},
            "EmptyLatentImage": {"required": {"width": ["INT", {}], "height": ["INT", {}]}},
            "LoadImage": {"required": {"image": [["cat.png"], {"image_upload": true}]}},
            "SaveVideo": {"required": {
                "video": ["VIDEO"],
                "format": ["COMFY_DYNAMICCOMBO_V3", {"options": [
                    {"key": "auto", "inputs": {"required": {}}},
                    {"key": "mp4", "inputs": {
                        "required": {
                            "codec": ["COMFY_DYNAMICCOMBO_V3", {"options": [
                                {"key": "h264", "inputs": {"required": {"crf": ["INT", {"default": 23}]}}},
                                {"key": "av1", "inputs": {}},
                            ]}],
                            "audio": ["AUDIO"],
                        },
                        "optional": {"loop": ["BOOLEAN", {"default": false}]},
                    }},
                ]}],
                "prefix": ["STRING", {}],
            }},
            "Join": {"required": {"images": ["COMFY_AUTOGROW_V3", {"template": {"prefix": "image",
                "input": {"required": {"image": ["IMAGE"]}}}}]}},
            "ImageInvert": {"required": {"image": ["IMAGE"]}},
            "SaveImage": {
                "required": {"images": ["IMAGE"], "filename_prefix": ["STRING", {"default": "ComfyUI"}]},
                "optional": {"tags": ["LIST", {}], "embed": ["BOOLEAN", {"default": true}]},
            },
        });
        let all = all.as_object().cloned().unwrap_or_default().into_iter();
        let info =
            |input| serde_json::from_value(json!({"output_node": false, "input": input})).expect("a class");
        all.map(|(name, input)| (name, info(input))).collect()
    });
    all.get(name)
}

fn convert(workflow: &Value) -> Result<Value, EditorError> {
    EditorWorkflow::read(workflow)?.convert(class).map(Value::Object)
}

fn inputs(workflow: &Value, id: &str) -> Value {
    convert(workflow).expect("a workflow")[id]["inputs"].clone()
}

fn socket(name: &str, kind: &str, link: Option<u64>) -> Value {
    json!({"name": name, "type": kind, "link": link})
}

/// A node that saves what comes over link 1, whatever is between.
fn saved(nodes: &[Value], links: &Value) -> Value {
    let save = json!({"id": 9, "type": "SaveImage", "inputs": [socket("images", "IMAGE", Some(1))],
        "widgets_values": ["x"]});
    let nodes: Vec<_> = nodes.iter().cloned().chain([save]).collect();
    json!({"nodes": nodes, "links": links})
}

#[test]
fn widgets_are_assigned_in_the_order_of_the_class() {
    let sampler = json!({
        "id": 3, "type": "KSampler", "title": "采样",
        "inputs": [socket("model", "MODEL", Some(1)), socket("positive", "CONDITIONING", Some(2)),
            socket("latent_image", "LATENT", None)],
        "widgets_values": [42, "randomize", 30, 7.5, "dpm", 0.8],
    });
    let text = json!({"id": 6, "type": "CLIPTextEncode", "inputs": [socket("clip", "CLIP", Some(3))],
        "widgets_values": ["a cat"]});
    let loader = json!({"id": 4, "type": "Loader", "widgets_values": ["a.safetensors"]});
    let note = json!({"id": 7, "type": "Note", "widgets_values": ["read me"]});
    let label = json!({"id": 8, "type": "Label (rgthree)", "widgets_values": []});
    let workflow = json!({
        "nodes": [sampler, text, loader, note, label],
        "links": [[1, 4, 0, 3, 0, "MODEL"], [2, 6, 0, 3, 1, "CONDITIONING"], [3, 4, 1, 6, 0, "CLIP"]],
    });
    assert_eq!(
        convert(&workflow).expect("a workflow"),
        json!({
            "3": {"class_type": "KSampler", "_meta": {"title": "采样"}, "inputs": {
                "seed": 42, "steps": 30, "cfg": 7.5, "sampler_name": "dpm", "denoise": 0.8,
                "model": ["4", 0], "positive": ["6", 0]}},
            "6": {"class_type": "CLIPTextEncode", "_meta": {"title": "CLIPTextEncode"}, "inputs": {
                "text": "a cat", "clip": ["4", 1]}},
            "4": {"class_type": "Loader", "_meta": {"title": "Loader"}, "inputs": {
                "ckpt_name": "a.safetensors"}},
        })
    );
    let classes = EditorWorkflow::read(&workflow).expect("a workflow").classes();
    assert_eq!(Vec::from_iter(classes), ["CLIPTextEncode", "KSampler", "Label (rgthree)", "Loader"]);
}

#[test]
fn upload_buttons_and_missing_values_are_no_inputs() {
    let load = json!({"id": 1, "type": "LoadImage", "widgets_values": ["cat.png", "image"]});
    assert_eq!(inputs(&saved(&[load], &json!([])), "1"), json!({"image": "cat.png"}));
    let workflow = saved(&[], &json!([]));
    assert_eq!(inputs(&workflow, "9"), json!({"filename_prefix": "x", "embed": true}), "the rest is default");
    let by_name =
        json!({"nodes": [{"id": 1, "type": "Loader", "widgets_values": {"ckpt_name": "b", "x": 1}}]});
    assert_eq!(inputs(&by_name, "1"), json!({"ckpt_name": "b"}));
}

#[test]
fn widgets_that_became_inputs_take_links_and_values() {
    let size = |link| {
        json!({"id": 5, "type": "EmptyLatentImage", "widgets_values": [512, 768],
            "inputs": [{"name": "width", "type": "INT", "link": link, "widget": {"name": "width"}}]})
    };
    let primitive = json!({"id": 2, "type": "PrimitiveNode", "widgets_values": [1024, "fixed"]});
    let workflow = json!({"nodes": [size(Some(7)), primitive], "links": [[7, 2, 0, 5, 0, "INT"]]});
    assert_eq!(inputs(&workflow, "5"), json!({"width": 1024, "height": 768}));
    assert_eq!(inputs(&json!({"nodes": [size(None)]}), "5"), json!({"width": 512, "height": 768}));
}

#[test]
fn links_lead_through_what_does_not_run() {
    let load = |id: u64| json!({"id": id, "type": "LoadImage", "widgets_values": ["cat.png"]});
    let through = |class: &str, mode: u64, values: Value| {
        json!({"id": 2, "type": class, "mode": mode, "inputs": [socket("image", "IMAGE", Some(2))],
            "outputs": [{"type": "IMAGE"}], "widgets_values": values})
    };
    let links = json!([[1, 2, 0, 9, 0, "IMAGE"], [2, 1, 0, 2, 0, "IMAGE"]]);
    for node in [through("Reroute", 0, json!(null)), through("ImageInvert", 4, json!([]))] {
        let workflow = saved(&[load(1), node], &links);
        assert_eq!(inputs(&workflow, "9")["images"], json!(["1", 0]));
        assert_eq!(convert(&workflow).expect("a workflow").get("2"), None);
    }
    let muted = saved(&[load(1), through("ImageInvert", 2, json!([]))], &links);
    assert_eq!(inputs(&muted, "9"), json!({"filename_prefix": "x", "embed": true}), "nothing comes");

    let set = through("SetNode", 0, json!(["pic"]));
    let get = json!({"id": 3, "type": "GetNode", "widgets_values": ["pic"]});
    let links = json!([[1, 3, 0, 9, 0, "IMAGE"], [2, 1, 0, 2, 0, "IMAGE"]]);
    assert_eq!(inputs(&saved(&[load(1), set, get], &links), "9")["images"], json!(["1", 0]));
}

#[test]
fn subgraphs_are_unfolded() {
    let inner = json!({
        "id": "2d5a", "name": "inverted",
        "nodes": [
            {"id": 8, "type": "ImageInvert", "inputs": [socket("image", "IMAGE", Some(1))]},
            {"id": 4, "type": "EmptyLatentImage", "widgets_values": [1, 2], "inputs": [
                {"name": "width", "type": "INT", "link": 3, "widget": {"name": "width"}}]},
        ],
        "links": [
            {"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 8, "target_slot": 0, "type": "IMAGE"},
            {"id": 2, "origin_id": 8, "origin_slot": 0, "target_id": -20, "target_slot": 0, "type": "IMAGE"},
            {"id": 3, "origin_id": -10, "origin_slot": 1, "target_id": 4, "target_slot": 0, "type": "INT"},
        ],
    });
    let host = json!({"id": 57, "type": "2d5a", "widgets_values": [640], "inputs": [
        socket("image", "IMAGE", Some(2)),
        {"name": "width", "type": "INT", "link": null, "widget": {"name": "width"}}]});
    let load = json!({"id": 1, "type": "LoadImage", "widgets_values": ["cat.png"]});
    let mut workflow = saved(&[load, host], &json!([[1, 57, 0, 9, 0, "IMAGE"], [2, 1, 0, 57, 0, "IMAGE"]]));
    workflow["definitions"] = json!({"subgraphs": [inner]});
    assert_eq!(inputs(&workflow, "9")["images"], json!(["57:8", 0]));
    assert_eq!(inputs(&workflow, "57:8"), json!({"image": ["1", 0]}));
    assert_eq!(inputs(&workflow, "57:4"), json!({"width": 640, "height": 2}), "the value on its node");

    workflow["definitions"]["subgraphs"][0]["nodes"][0]["type"] = "2d5a".into();
    assert_eq!(convert(&workflow).expect_err("endless").to_string(), "a subgraph contains itself");
}

#[test]
fn what_cannot_be_converted_has_a_reason() {
    let reason = |workflow: Value| convert(&workflow).expect_err("no workflow").to_string();
    let shifted = json!({"nodes": [{"id": 5, "type": "EmptyLatentImage", "title": "size",
        "widgets_values": ["randomize", 512]}]});
    assert_eq!(
        reason(shifted),
        r#"node size (5): `width` would be "randomize", which is not of the type INT"#
    );
    assert_eq!(reason(json!({"nodes": [{"id": 1, "type": "Note"}]})), "no node of the workflow runs");
    assert!(
        reason(json!({"nodes": [{"type": "Note"}]}))
            .starts_with("the workflow is damaged: missing field `id`")
    );
    let circle = json!([[1, 2, 0, 9, 0, "IMAGE"], [2, 2, 0, 2, 0, "IMAGE"]]);
    let reroute = json!({"id": 2, "type": "Reroute", "inputs": [socket("", "*", Some(2))]});
    assert_eq!(reason(saved(&[reroute], &circle)), "the links of the workflow form a circle");
}

#[test]
fn nodes_of_unknown_classes_stay_if_something_is_linked_to_them() {
    let load = json!({"id": 1, "type": "LoadImage", "widgets_values": ["cat.png"]});
    let custom = json!({"id": 2, "type": "MyNode", "inputs": [socket("image", "IMAGE", Some(2))], "widgets_values": [1]});
    let links = json!([[1, 2, 0, 9, 0, "IMAGE"], [2, 1, 0, 2, 0, "IMAGE"]]);
    assert_eq!(inputs(&saved(&[load, custom], &links), "2"), json!({"image": ["1", 0]}));
}

#[test]
fn a_choice_brings_its_inputs() {
    let save = |values: Value| {
        let save = json!({"id": 5, "type": "SaveVideo", "inputs": [socket("video", "VIDEO", Some(1)),
            socket("format.audio", "AUDIO", Some(2))], "widgets_values": values});
        let load = json!({"id": 4, "type": "Loader", "widgets_values": ["a.safetensors"]});
        let links = json!([[1, 4, 0, 5, 0, "VIDEO"], [2, 4, 1, 5, 1, "AUDIO"]]);
        inputs(&json!({"nodes": [load, save], "links": links}), "5")
    };
    let (video, audio) = (json!(["4", 0]), json!(["4", 1]));
    assert_eq!(
        save(json!(["mp4", "h264", 18, true, "cat"])),
        json!({"format": "mp4", "format.codec": "h264", "format.codec.crf": 18, "format.loop": true, "prefix": "cat",
            "video": video, "format.audio": audio})
    );
    assert_eq!(
        save(json!(["mp4", "av1", false, "cat"])),
        json!({"format": "mp4", "format.codec": "av1", "format.loop": false, "prefix": "cat",
            "video": video, "format.audio": audio})
    );
    assert_eq!(
        save(json!({"format": "mp4", "format.codec": "h264", "format.codec.crf": 18, "prefix": "cat"})),
        json!({"format": "mp4", "format.codec": "h264", "format.codec.crf": 18, "format.loop": false, "prefix": "cat",
            "video": video, "format.audio": audio})
    );
    assert_eq!(save(json!(["auto", "cat"]))["prefix"], "cat");
    assert_eq!(save(json!([]))["format"], "auto", "a choice is its key");
}

#[test]
fn inputs_that_grow_keep_their_names() {
    let names = ["images.image0", "images.image1", "images.image2"];
    let sockets = names.iter().zip([Some(1), Some(2), None]).map(|(name, link)| socket(name, "IMAGE", link));
    let join = json!({"id": 5, "type": "Join", "inputs": sockets.collect::<Vec<_>>()});
    let load = json!({"id": 4, "type": "Loader", "widgets_values": ["a.safetensors"]});
    let workflow =
        json!({"nodes": [load, join], "links": [[1, 4, 0, 5, 0, "IMAGE"], [2, 4, 1, 5, 1, "IMAGE"]]});
    assert_eq!(inputs(&workflow, "5"), json!({"images.image0": ["4", 0], "images.image1": ["4", 1]}));
}
