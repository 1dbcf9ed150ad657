//! `POST /openapi/v2/resource/list`: models and LoRAs that workflows can load.

use serde_json::{Value, json};

use super::{app_list::page, v2_key};
use crate::{answer::Answer, call::Call, state::State};

pub(super) const PATH: &str = "/openapi/v2/resource/list";

/// Type, name, file, family, tag name. Requests filter by tag ids, which are the indices in `TAGS`.
const RESOURCES: [[&str; 5]; 5] = [
    ["CHECKPOINT", "SDXL base", "sd_xl_base_1.0.safetensors", "SDXL", "base"],
    ["CHECKPOINT", "DreamShaper", "dreamshaper_8.safetensors", "SD 1.5", "portrait"],
    ["GGUF", "FLUX dev Q8", "flux1-dev-Q8_0.gguf", "FLUX.1", "base"],
    ["LORA", "Film grain", "film_grain_v2.safetensors", "FLUX.1", "photo"],
    ["UNET", "FLUX dev", "flux1-dev.safetensors", "FLUX.1", "base"],
];

const TAGS: [&str; 3] = ["base", "portrait", "photo"];

pub(super) fn answer(state: &State, call: &Call) -> Answer {
    if v2_key(state, call).is_none() {
        return Answer::code(401, "ApiKey verification failed", Value::Null);
    }
    let numbers = (call.count("current"), call.count("size").filter(|size| (1..=50).contains(size)));
    let (Some(kind), (Some(current @ 1..), Some(size))) = (call.text("resourceType"), numbers) else {
        return Answer::params_invalid();
    };
    if !["CHECKPOINT", "GGUF", "LORA", "UNET"].contains(&kind.as_str()) {
        return Answer::params_invalid();
    }
    let wanted = call.text("resourceName").unwrap_or_default().to_lowercase();
    let is_in =
        |field: &str, value: Value| call.value(field).as_array().is_none_or(|list| list.contains(&value));
    let tag_id = |tag: &str| (1_u64..).zip(TAGS).find(|(_, name)| *name == tag).map(|(id, _)| id);
    let records = (1..).zip(RESOURCES).filter(|(_, [is, name, _, family, tag])| {
        *is == kind
            && name.to_lowercase().contains(&wanted)
            && is_in("baseModels", json!(family))
            && is_in("tags", json!(tag_id(tag)))
    });
    let records = records.map(|(id, [is, name, file, family, tag])| {
        json!({
            "id": id.to_string(), "resourceName": name, "resourceType": is, "createTime": "2026-01-01 00:00:00",
            "desc": null, "nodeModelName": file, "posterUrl": null, "thumbnailUrl": null,
            "owner": {"name": "simulated", "avatar": null}, "tags": [{"id": tag_id(tag), "name": tag}],
            "versions": [{
                "id": "1", "version": "v1", "versionResourceName": file, "baseModel": family,
                "baseModelSubtype": null, "triggerWords": null, "desc": null, "posterInfos": [],
            }],
        })
    });
    Answer::ok(page(records.collect(), current, size))
}
