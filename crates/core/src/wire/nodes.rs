//! The nodes of a `progress_state`, read one by one without building a map.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, IgnoredAny},
};
use serde_json::value::RawValue;

use super::lenient::{lenient_number, lenient_text};

/// The `nodes` of a `progress_state`: already known to be JSON, not yet looked into.
#[derive(Clone, Copy, Debug)]
pub struct StateNodes<'a>(Option<&'a RawValue>);

/// A node in a `progress_state`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct StateEntry<'a> {
    /// The key it stands under: the node, possibly one that came out of an expansion.
    #[serde(skip)]
    pub id: Cow<'a, str>,
    /// `running` or `finished`; a node that failed stays `running`.
    #[serde(borrow, deserialize_with = "lenient_text")]
    pub state: Option<Cow<'a, str>>,
    /// Where its counter stands.
    #[serde(deserialize_with = "lenient_number")]
    pub value: Option<f64>,
    /// What its counter runs to.
    #[serde(deserialize_with = "lenient_number")]
    pub max: Option<f64>,
    /// The node of the workflow it came from.
    #[serde(borrow, deserialize_with = "lenient_text")]
    pub real_node_id: Option<Cow<'a, str>>,
    /// The node that a display should light up.
    #[serde(borrow, deserialize_with = "lenient_text")]
    pub display_node_id: Option<Cow<'a, str>>,
}

impl<'a> StateNodes<'a> {
    pub(super) fn new(raw: Option<&'a RawValue>) -> Self {
        Self(raw)
    }

    /// Calls `each` for every node, in the order of the frame. Entries of another shape are passed over.
    pub fn for_each(self, each: impl FnMut(StateEntry<'a>)) {
        if let Some(raw) = self.0 {
            // Errors can only be of shape here, since the text is known to be JSON.
            drop(
                serde_json::Deserializer::from_str(raw.get())
                    .deserialize_any(Entries { each, frame: PhantomData }),
            );
        }
    }
}

struct Entries<'a, F> {
    each: F,
    frame: PhantomData<&'a ()>,
}

impl<'de: 'a, 'a, F: FnMut(StateEntry<'a>)> de::Visitor<'de> for Entries<'a, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of nodes")
    }

    fn visit_map<A: de::MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(id)) = map.next_key()? {
            if let Some(entry) = map.next_value_seed(MaybeEntry(PhantomData))? {
                (self.each)(StateEntry { id, ..entry });
            }
        }
        Ok(())
    }
}

struct Key<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(lenient_text(deserializer)?.unwrap_or_default()))
    }
}

/// An entry, or nothing when it is no object.
struct MaybeEntry<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> DeserializeSeed<'de> for MaybeEntry<'a> {
    type Value = Option<StateEntry<'a>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Visits that pass over a scalar.
macro_rules! pass_over {
    ($($visit:ident: $type:ty),*) => {
        $(fn $visit<E: de::Error>(self, _: $type) -> Result<Self::Value, E> { Ok(None) })*
    };
}

impl<'de: 'a, 'a> de::Visitor<'de> for MaybeEntry<'a> {
    type Value = Option<StateEntry<'a>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a node")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        StateEntry::deserialize(de::value::MapAccessDeserializer::new(map)).map(Some)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    pass_over! { visit_bool: bool, visit_u64: u64, visit_i64: i64, visit_f64: f64, visit_str: &str }
}

#[cfg(test)]
mod tests {
    use crate::wire::{Message, decode_text};

    #[test]
    fn nodes_are_read_in_order_and_odd_ones_passed_over() {
        let text = r#"{"type":"progress_state","data":{"prompt_id":"p","nodes":{
            "2":{"value":1.0,"max":4,"state":"running","real_node_id":"2"},
            "x":7, "y":null, "z":[1],
            "3.0.0.1":{"state":"finished","value":null,"display_node_id":3,"parent_node_id":null}}}}"#;
        let mut seen = Vec::new();
        let mut scratch = String::new();
        let Message::ProgressState { nodes, .. } = decode_text(text, &mut scratch) else {
            panic!("a progress_state")
        };
        nodes.for_each(|entry| {
            seen.push(format!(
                "{} {:?} {:?} {:?}",
                entry.id, entry.state, entry.value, entry.display_node_id
            ));
        });
        assert_eq!(
            seen,
            ["2 Some(\"running\") Some(1.0) None", "3.0.0.1 Some(\"finished\") None Some(\"3\")"]
        );
    }

    #[test]
    fn nodes_of_another_shape_are_none() {
        let mut scratch = String::new();
        let Message::ProgressState { nodes, .. } =
            decode_text(r#"{"type":"progress_state","data":{"nodes":[1,2]}}"#, &mut scratch)
        else {
            panic!("a progress_state")
        };
        nodes.for_each(|_| panic!("there is no node"));
    }
}
