//! Differences between two items with the same id.

use runninghub_core::{Sentence, say};
use serde::Serialize;

use crate::{Item, ItemId, Setting, fingerprint::prefix};

/// Maximum number of characters shown of a value.
const SHOWN: usize = 40;

/// An item that differs from the one with its id in the ledger.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Change {
    /// The item.
    pub id: ItemId,
    /// The differences; empty if the ledger no longer has the old values.
    pub fields: Vec<FieldChange>,
}

/// A field whose values differ.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct FieldChange {
    /// The field, or `target`, `place` or `instance`.
    pub field: String,
    /// The value in the ledger; `None` if it didn't set the field.
    pub before: Option<String>,
    /// The value in the file; `None` if it no longer sets the field.
    pub now: Option<String>,
}

impl Change {
    /// Compares an item with the one that has its id in the ledger.
    pub(super) fn between(before: Option<&Item>, now: &Item) -> Self {
        let mut fields = Vec::new();
        if let Some(before) = before {
            let mut add = |field: &str, before: Option<String>, now: Option<String>| {
                if before != now {
                    fields.push(FieldChange { field: field.into(), before, now });
                }
            };
            let names = before.set.iter().chain(&now.set).map(|(field, _)| field);
            for field in names.collect::<std::collections::BTreeSet<_>>() {
                let shown = |setting: Option<&Setting>| setting.map(shown);
                add(field, shown(before.set.get(field)), shown(now.set.get(field)));
            }
            add("instance", before.instance.clone(), now.instance.clone());
            add("target", Some(before.target.id.clone()), Some(now.target.id.clone()));
            let place =
                |item: &Item| Some(format!("{} {}", item.target.place.word(), item.target.place.url()));
            add("place", place(before), place(now));
        }
        Self { id: now.id.clone(), fields }
    }

    /// The item and its first difference.
    pub fn sentence(&self) -> Sentence {
        let id = &self.id;
        let Some(FieldChange { field, before, now }) = self.fields.first() else {
            return Sentence::verbatim(id.as_str());
        };
        match (before.as_deref().map(short), now.as_deref().map(short)) {
            (Some(before), Some(now)) => {
                say!("{id} {field} \"{before}\" → \"{now}\"", id, field, before, now)
            }
            (None, Some(now)) => say!("{id} {field} is new: \"{now}\"", id, field, now),
            (Some(before), None) => say!("{id} {field} is gone: \"{before}\"", id, field, before),
            (None, None) => Sentence::verbatim(format!("{} {field}", id.as_str())),
        }
    }
}

/// A value; files with the same name are told apart by the start of their digest.
fn shown(setting: &Setting) -> String {
    match setting {
        Setting::File { sha256, name, .. } => format!("{name} ({})", prefix(sha256, 8)),
        setting => setting.shown(),
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
