//! `<id>.run.json`: exactly what an item ran.

use serde::{Deserialize, Serialize};

use crate::{Digest, Item, ItemId, Set, Setting, Target, template::as_part};

/// Name and number of the format.
const SCHEMA: &str = "rhub.run/1";

/// What an item ran, so that it can be repeated. Written next to its results.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Repeat {
    schema: String,
    /// The target.
    pub target: Target,
    /// The instance type; null for the platform's default.
    pub instance: Option<String>,
    /// What was set.
    pub set: Set<Setting>,
    /// All of this as a digest.
    pub fingerprint: Digest,
    /// The batch.
    pub batch: String,
    /// The item.
    pub item: ItemId,
    /// The folder of its results, relative to that of the batch.
    pub out: String,
    /// Its task.
    pub task_id: Option<String>,
}

impl Repeat {
    /// What an item of a batch ran.
    pub fn new(batch: &str, item: &Item, task_id: Option<&str>) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            target: (*item.target).clone(),
            instance: item.instance.clone(),
            set: item.set.clone(),
            fingerprint: item.fingerprint,
            batch: batch.to_owned(),
            item: item.id.clone(),
            out: item.out.clone(),
            task_id: task_id.map(str::to_owned),
        }
    }

    /// `cat-1.run.json`.
    pub fn file_name(&self) -> String {
        format!("{}.run.json", as_part(self.item.as_str()))
    }

    /// The content of the file.
    pub fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}
