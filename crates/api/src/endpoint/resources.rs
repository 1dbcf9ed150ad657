//! `POST /openapi/v2/resource/list`: the models and LoRAs that workflows can load.

use runninghub_core::{Untrusted, say};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::RawValue};

use super::{
    account::untrusted,
    page::{Endpoint, List},
};
use crate::{Client, lenient};

/// The type of a resource.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "UPPERCASE")]
pub enum ResourceType {
    /// A complete model.
    Checkpoint,
    /// A quantized model.
    Gguf,
    /// A LoRA.
    Lora,
    /// A diffusion model without text encoder and VAE.
    Unet,
}

/// A file that workflows can load.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
#[serde(from = "Record")]
pub struct Resource {
    /// Its id.
    pub id: Option<Untrusted>,
    /// Its name.
    pub name: Option<Untrusted>,
    /// The name for a loader's field.
    pub node_model_name: Option<Untrusted>,
    /// Its description.
    pub description: Option<Untrusted>,
    /// Its author.
    pub owner: Option<Untrusted>,
    /// Its tags.
    pub tags: Vec<ResourceTag>,
    /// Its versions, in the platform's order.
    pub versions: Vec<ResourceVersion>,
}

/// A tag of resources.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
#[serde(default)]
pub struct ResourceTag {
    /// Its id, for [`List::tag`].
    #[serde(deserialize_with = "untrusted")]
    pub id: Option<Untrusted>,
    /// Its name.
    #[serde(deserialize_with = "untrusted")]
    pub name: Option<Untrusted>,
}

/// One version of a resource.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
#[serde(default, rename_all = "camelCase")]
pub struct ResourceVersion {
    /// Its id.
    #[serde(deserialize_with = "untrusted")]
    pub id: Option<Untrusted>,
    /// Its name.
    #[serde(deserialize_with = "untrusted")]
    pub version: Option<Untrusted>,
    /// The name for a loader's field.
    #[serde(rename = "versionResourceName", deserialize_with = "untrusted")]
    pub file: Option<Untrusted>,
    /// The family of its base model.
    #[serde(deserialize_with = "untrusted")]
    pub base_model: Option<Untrusted>,
    /// The trigger words of a LoRA.
    #[serde(deserialize_with = "untrusted")]
    pub trigger_words: Option<Untrusted>,
}

static RESOURCES: Endpoint = Endpoint {
    name: "resources",
    path: "/openapi/v2/resource/list",
    fields: ["current", "size"],
    most: 50,
    usage: say!("pages count from 1 and have 1 to 50 resources"),
    is_numbered: true,
};

impl Client {
    /// Lists models and LoRAs that workflows can load.
    pub fn resources(&self, resource_type: ResourceType) -> List<Resource> {
        List::new(self, &RESOURCES).field("resourceType", json!(resource_type))
    }
}

impl List<Resource> {
    /// Only resources whose name contains this.
    pub fn name(self, name: impl Into<String>) -> Self {
        self.field("resourceName", name.into())
    }

    /// Only resources for this family of models; call it again to allow more families.
    pub fn base_model(self, base_model: impl Into<String>) -> Self {
        self.and("baseModels", base_model.into())
    }

    /// Only resources with this tag, by the tag's id; call it again to allow more tags. Numeric ids are sent as
    /// numbers.
    pub fn tag(self, id: impl Into<String>) -> Self {
        let id = id.into();
        self.and("tags", id.parse::<u64>().map_or(Value::String(id), Value::from))
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Record {
    #[serde(deserialize_with = "untrusted")]
    id: Option<Untrusted>,
    #[serde(deserialize_with = "untrusted")]
    resource_name: Option<Untrusted>,
    #[serde(deserialize_with = "untrusted")]
    node_model_name: Option<Untrusted>,
    #[serde(deserialize_with = "untrusted")]
    desc: Option<Untrusted>,
    owner: Option<Box<RawValue>>,
    tags: Option<Box<RawValue>>,
    versions: Option<Box<RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Owner {
    #[serde(deserialize_with = "untrusted")]
    name: Option<Untrusted>,
}

impl From<Record> for Resource {
    fn from(record: Record) -> Self {
        let tags = lenient::list(record.tags.as_deref()).unwrap_or_default();
        let versions = lenient::list(record.versions.as_deref()).unwrap_or_default();
        Self {
            id: record.id,
            name: record.resource_name,
            node_model_name: record.node_model_name,
            description: record.desc,
            owner: lenient::object(record.owner.as_deref()).and_then(|owner: Owner| owner.name),
            tags: tags.iter().filter_map(|tag| lenient::object(Some(tag))).collect(),
            versions: versions.iter().filter_map(|version| lenient::object(Some(version))).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::page::Page, *};
    use crate::http::tests::read_with;

    #[test]
    fn a_record_is_read_whatever_of_it_is_odd() {
        let text = r#"{"code":0,"data":{"records":[
            {"id":12,"resourceName":"Film","nodeModelName":"film.safetensors","desc":null,"owner":{"name":"me"},
             "tags":[{"id":1,"name":"photo"},7],"versions":[{"id":"3","version":"v2","versionResourceName":"film_v2.safetensors",
             "baseModel":"FLUX.1","triggerWords":"film grain"},null]},
            {"owner":7,"tags":"x","versions":{}}],"current":1,"size":"20","total":"21","pages":"2","hasNext":true}}"#;
        let page = read_with(text, Page::<Resource>::read).expect("a page");
        assert_eq!((page.total, page.has_next, page.records.len()), (Some(21), true, 2));
        let first = &page.records[0];
        assert_eq!(first.owner.as_ref().map(Untrusted::raw), Some("me"));
        assert_eq!(first.tags, [ResourceTag { id: Some("1".into()), name: Some("photo".into()) }]);
        assert_eq!(first.versions.len(), 1);
        assert_eq!(first.versions[0].file.as_ref().map(Untrusted::raw), Some("film_v2.safetensors"));
        assert!(page.records[1].tags.is_empty() && page.records[1].owner.is_none());
    }
}
