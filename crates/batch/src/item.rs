//! The normal form of a row, as stored in a ledger.

use std::{fmt, path::PathBuf, sync::Arc};

use runninghub_core::{Fact, Kind, Place, Untrusted};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::{Coordinate, Digest, Set, fingerprint::Fingerprints};

/// The id of an item in its batch: the row's own, or the beginning of its fingerprint. A repeat appends its number, as
/// in `cat-2`. It never depends on the row's position in the file.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct ItemId(Arc<str>);

/// The target of a batch.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Target {
    /// The place.
    pub place: Place,
    /// The kind of task.
    pub kind: Kind,
    /// The id of the workflow or app, the endpoint of the model, or the digest of the graph.
    pub id: String,
}

/// A value of an item.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// Verbatim text. The field's type decides how it is sent.
    Text(String),
    /// A JSON value other than text.
    Json(Value),
    /// A file, identified by its content.
    File {
        /// The digest of its content.
        sha256: Digest,
        /// Its name, without folders.
        name: String,
        /// Its path when the item was created.
        path: PathBuf,
    },
}

/// A row in its normal form.
///
/// `fingerprint` is the SHA-256 of the canonical JSON of place, target, set and instance, where a file counts by its
/// content. Neither the order of rows and columns nor the id, the folder or the priority changes it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Item {
    /// Its id, unique within the batch.
    pub id: ItemId,
    /// What it sets.
    pub set: Set<Setting>,
    /// What it runs.
    pub target: Arc<Target>,
    /// Its coordinates in a matrix, only used to order results.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coordinates: Vec<Coordinate>,
    /// The instance type it runs on; `None` is the platform's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The profile that pays for it; `None` means any of the batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The webhook that the platform calls when it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
    /// Items of a higher priority start earlier.
    #[serde(default)]
    pub priority: i32,
    /// The folder of its results, relative to that of the batch, with `/` between parts.
    pub out: String,
    /// The row or line it was created from, only for messages.
    pub row: u64,
    /// Its number among equal rows, from 1.
    pub repeat: u32,
    /// The digest of what it runs.
    pub fingerprint: Digest,
}

impl Item {
    /// The same on another instance type, which changes the fingerprint.
    #[must_use]
    pub fn on_instance(self, instance: &str) -> Self {
        let fingerprint = Fingerprints::new(&self.target).of(&self.set, Some(instance));
        Self { instance: Some(instance.to_owned()), fingerprint, ..self }
    }
}

impl ItemId {
    /// The id, unescaped.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ItemId {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for ItemId {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl std::borrow::Borrow<str> for ItemId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Escaped, because ids come from files.
impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&Untrusted::from(&*self.0).to_string())
    }
}

impl From<&ItemId> for Fact {
    fn from(id: &ItemId) -> Self {
        Self::from(id.as_str())
    }
}

impl Setting {
    /// The value on one line, for display: text and JSON verbatim, a file by its name.
    pub fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Json(value) => value.to_string(),
            Self::File { name, .. } => name.clone(),
        }
    }
}

#[derive(Deserialize, Serialize)]
struct StoredTarget {
    place: String,
    url: String,
    kind: String,
    id: String,
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        StoredTarget {
            place: self.place.word().into(),
            url: self.place.url().into(),
            kind: self.kind.as_str().into(),
            id: self.id.clone(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let StoredTarget { place, url, kind, id } = Deserialize::deserialize(deserializer)?;
        let Ok(kind) = kind.parse();
        Ok(Self { place: Place::new(place, url), kind, id })
    }
}
