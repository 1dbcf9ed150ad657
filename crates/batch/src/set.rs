//! The values of a row, by field.

use std::{fmt, slice, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Fields and their values, sorted by field, each field once. A field is named as in a workflow's settings: `6.text`,
/// `Prompt.text`, or `prompt` for an app's or a model's own name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Set<V>(Vec<(Arc<str>, V)>);

impl<V> Set<V> {
    /// The value of a field.
    pub fn get(&self, field: &str) -> Option<&V> {
        let at = self.0.binary_search_by(|(known, _)| (**known).cmp(field)).ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    /// The number of fields.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has no fields.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Fields and values, in the order of the fields.
    pub fn iter(&self) -> slice::Iter<'_, (Arc<str>, V)> {
        self.0.iter()
    }

    /// Adds a field. Returns false, and changes nothing, if the field has a value already.
    pub fn insert(&mut self, field: impl Into<Arc<str>>, value: V) -> bool {
        let field = field.into();
        match self.0.binary_search_by(|(known, _)| known.cmp(&field)) {
            Ok(_) => false,
            Err(at) => {
                self.0.insert(at, (field, value));
                true
            }
        }
    }

    /// Fields with their values, in the order of the fields.
    pub(crate) fn into_pairs(self) -> impl Iterator<Item = (Arc<str>, V)> {
        self.0.into_iter()
    }

    /// The same fields with other values.
    pub(crate) fn try_map<W, E>(self, mut change: impl FnMut(&str, V) -> Result<W, E>) -> Result<Set<W>, E> {
        let changed = self.0.into_iter().map(|(field, value)| {
            let value = change(&field, value)?;
            Ok((field, value))
        });
        changed.collect::<Result<_, E>>().map(Set)
    }
}

impl<V> Default for Set<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'a, V> IntoIterator for &'a Set<V> {
    type IntoIter = slice::Iter<'a, (Arc<str>, V)>;
    type Item = &'a (Arc<str>, V);

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<V: Serialize> Serialize for Set<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(field, value)| (&**field, value)))
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Set<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<V>(std::marker::PhantomData<V>);

        impl<'de, V: Deserialize<'de>> de::Visitor<'de> for Fields<V> {
            type Value = Set<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of fields and values")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Set<V>, A::Error> {
                let mut set = Set::default();
                while let Some((field, value)) = map.next_entry::<String, V>()? {
                    if !set.insert(&*field, value) {
                        return Err(de::Error::custom(format_args!("`{field}` is set twice")));
                    }
                }
                Ok(set)
            }
        }
        deserializer.deserialize_map(Fields(std::marker::PhantomData))
    }
}
