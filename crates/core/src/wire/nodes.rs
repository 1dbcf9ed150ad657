//! The nodes of a `progress_state`, read one by one without building a map.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, IgnoredAny},
};

use super::lenient::{lenient_number, lenient_text};

/// The `nodes` of a `progress_state`: known to be JSON, not yet parsed.
#[derive(Clone, Copy, Debug)]
pub struct StateNodes<'a> {
    /// The message's whole `data`: it is long, and each extra pass over it costs as much as parsing it.
    data: &'a str,
}

/// A node in a `progress_state`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct StateEntry<'a> {
    /// The node's key: a node of the workflow, or one created by an expansion.
    #[serde(skip)]
    pub id: Cow<'a, str>,
    /// `running` or `finished`; a node that failed stays `running`.
    #[serde(borrow, deserialize_with = "lenient_text")]
    pub state: Option<Cow<'a, str>>,
    /// The counter's value.
    #[serde(deserialize_with = "lenient_number")]
    pub value: Option<f64>,
    /// The counter's maximum.
    #[serde(deserialize_with = "lenient_number")]
    pub max: Option<f64>,
    /// The workflow node it came from.
    #[serde(borrow, deserialize_with = "lenient_text")]
    pub real_node_id: Option<Cow<'a, str>>,
    /// The node a display should highlight.
    #[serde(borrow, deserialize_with = "lenient_text")]
    pub display_node_id: Option<Cow<'a, str>>,
}

impl<'a> StateNodes<'a> {
    /// Wraps the JSON of a `data`, if it is an object.
    pub(super) fn new(data: &'a str) -> Option<Self> {
        data.starts_with('{').then_some(Self { data })
    }

    /// The run. Its id precedes the nodes, so they are not parsed.
    pub(super) fn prompt_id(self) -> Option<Cow<'a, str>> {
        let mut prompt_id = None;
        self.read("prompt_id", Keep(&mut prompt_id));
        prompt_id
    }

    /// Calls `each` for every node, in frame order. Entries of another shape are skipped.
    pub fn for_each(self, each: impl FnMut(StateEntry<'a>)) {
        self.read("nodes", Entries { each, frame: PhantomData });
    }

    fn read(self, name: &'static str, seed: impl DeserializeSeed<'a, Value = ()>) {
        // The text is known to be valid JSON: an error means another shape, or that the rest was left unread.
        drop(serde_json::Deserializer::from_str(self.data).deserialize_map(Member { name, seed }));
    }
}

/// Reads one member of an object, and nothing after it.
struct Member<S> {
    name: &'static str,
    seed: S,
}

impl<'de, S: DeserializeSeed<'de, Value = ()>> de::Visitor<'de> for Member<S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(key)) = map.next_key()? {
            if key == self.name {
                return map.next_value_seed(self.seed);
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// Keeps a text even if the parse ends with an error.
struct Keep<'o, 'a>(&'o mut Option<Cow<'a, str>>);

impl<'de: 'a, 'a> DeserializeSeed<'de> for Keep<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        *self.0 = lenient_text(deserializer)?;
        Ok(())
    }
}

struct Entries<'a, F> {
    each: F,
    frame: PhantomData<&'a ()>,
}

impl<'de: 'a, 'a, F: FnMut(StateEntry<'a>)> DeserializeSeed<'de> for Entries<'a, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
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

/// An entry, or `None` if it isn't an object.
struct MaybeEntry<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> DeserializeSeed<'de> for MaybeEntry<'a> {
    type Value = Option<StateEntry<'a>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// The visitor methods that skip a scalar.
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
    fn nodes_are_read_in_order_and_malformed_ones_skipped() {
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
    fn the_run_is_found_before_and_behind_the_nodes() {
        for (data, run) in [
            (r#"{"prompt_id":"p","nodes":{"2":{}}}"#, Some("p")),
            (r#"{"nodes":{"2":{"prompt_id":"q"}},"prompt_id":7}"#, Some("7")),
            (r#"{"nodes":{"2":{"prompt_id":"q"}}}"#, None),
        ] {
            let (text, mut scratch) =
                (format!(r#"{{"type":"progress_state","data":{data}}}"#), String::new());
            let Message::ProgressState { prompt_id, nodes } = decode_text(&text, &mut scratch) else {
                panic!("a progress_state")
            };
            let mut count = 0;
            nodes.for_each(|_| count += 1);
            assert_eq!((prompt_id.as_deref(), count), (run, 1), "{data}");
        }
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
