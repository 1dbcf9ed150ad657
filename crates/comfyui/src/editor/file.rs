//! The editor's file format, as far as the conversion needs it.

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

/// Modes of a node. Others, such as those for events, run like this one.
pub(super) const ALWAYS: u64 = 0;
pub(super) const NEVER: u64 = 2;
pub(super) const BYPASSED: u64 = 4;

#[derive(Debug, Deserialize)]
pub(super) struct File {
    pub(super) nodes: Vec<Node>,
    #[serde(default)]
    pub(super) links: Vec<Link>,
    #[serde(default)]
    pub(super) definitions: Definitions,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Definitions {
    #[serde(default)]
    pub(super) subgraphs: Vec<Subgraph>,
}

/// A workflow that is used as a node.
#[derive(Debug, Deserialize)]
pub(super) struct Subgraph {
    pub(super) id: String,
    #[serde(default)]
    pub(super) nodes: Vec<Node>,
    #[serde(default)]
    pub(super) links: Vec<Link>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Node {
    #[serde(deserialize_with = "id")]
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) class: String,
    #[serde(default)]
    pub(super) mode: u64,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) inputs: Vec<Input>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) outputs: Vec<Output>,
    /// A list in the order of the class, or an object by names.
    #[serde(default)]
    pub(super) widgets_values: Value,
    #[serde(default)]
    title: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Input {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default, rename = "type")]
    pub(super) kind: Value,
    #[serde(default)]
    pub(super) link: Option<u64>,
    /// Set if the input is also a widget.
    #[serde(default)]
    pub(super) widget: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Output {
    #[serde(default, rename = "type")]
    pub(super) kind: Value,
}

#[derive(Debug)]
pub(super) struct Link {
    pub(super) id: u64,
    pub(super) origin: String,
    pub(super) origin_slot: usize,
    pub(super) target: String,
    pub(super) target_slot: usize,
}

impl File {
    pub(super) fn subgraph(&self, class: &str) -> Option<&Subgraph> {
        self.definitions.subgraphs.iter().find(|subgraph| subgraph.id == class)
    }
}

impl Node {
    pub(super) fn title(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.class)
    }
}

/// A list of its id, the origin, its slot, the target, its slot and a type; in subgraphs, an object.
impl<'de> Deserialize<'de> for Link {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        const FIELDS: [&str; 5] = ["id", "origin_id", "origin_slot", "target_id", "target_slot"];
        let link = Value::deserialize(input)?;
        let part = |at: usize| if link.is_array() { &link[at] } else { &link[FIELDS[at]] };
        let number = |at: usize| {
            part(at).as_u64().ok_or_else(|| D::Error::custom(format_args!("a link without {}", FIELDS[at])))
        };
        let slot = |at: usize| Ok(usize::try_from(number(at)?).unwrap_or(usize::MAX));
        Ok(Self {
            id: number(0)?,
            origin: id_of(part(1)),
            origin_slot: slot(2)?,
            target: id_of(part(3)),
            target_slot: slot(4)?,
        })
    }
}

/// Ids are numbers, or text in newer files.
fn id_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn id<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    Ok(id_of(&Value::deserialize(input)?))
}

/// `null` is as good as nothing.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(input: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(input)?.unwrap_or_default())
}
