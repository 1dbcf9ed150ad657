//! The items of a batch in other formats.

use std::{collections::BTreeSet, sync::Arc};

use super::{failed::said, record::Record, sheet::contact_sheet, trace::perfetto};
use crate::Setting;

/// A format for a batch's results.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Export {
    /// A table: each item's outcome and values.
    Csv,
    /// One JSON object for each item, as in `items.jsonl`.
    JsonLines,
    /// A page with all results, as in `index.html`. Its paths are relative to the folder of the results.
    Html,
    /// A trace in Chrome's format, for Perfetto and other viewers: one lane per slot, one block per node.
    Perfetto,
}

impl Export {
    /// The items of a batch in this format.
    pub fn text<'r>(self, batch: &str, records: impl IntoIterator<Item = &'r Record>) -> String {
        match self {
            Self::Csv => csv(records),
            Self::JsonLines => json_lines(records),
            Self::Html => contact_sheet(batch, records),
            Self::Perfetto => perfetto(batch, records),
        }
    }
}

/// Columns before the fields that were set.
const COLUMNS: [&str; 13] = [
    "id",
    "state",
    "row",
    "task_id",
    "coins",
    "money",
    "third_party_money",
    "seconds",
    "submitted_ms",
    "started_ms",
    "ended_ms",
    "files",
    "error",
];

fn csv<'r>(records: impl IntoIterator<Item = &'r Record>) -> String {
    let records: Vec<&Record> = records.into_iter().collect();
    let fields: BTreeSet<&Arc<str>> =
        records.iter().flat_map(|record| &record.set).map(|(field, _)| field).collect();
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    let header = COLUMNS.into_iter().chain(fields.iter().map(|field| &***field));
    // Writing to memory cannot fail, and all rows have the same number of cells.
    let _ = writer.write_record(header);
    for record in records {
        let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
        let cost = record.cost.clone().unwrap_or_default();
        let files: Vec<&str> = record.files.iter().map(|file| &*file.path).collect();
        let timings = &record.timings;
        let cells = [
            record.id.as_str().to_owned(),
            record.state.to_string(),
            record.row.to_string(),
            record.task_id.as_ref().map(|id| id.as_str().to_owned()).unwrap_or_default(),
            cost.coins.unwrap_or_default(),
            cost.money.unwrap_or_default(),
            cost.third_party_money.unwrap_or_default(),
            cost.seconds.unwrap_or_default(),
            number(timings.submitted_ms),
            number(timings.started_ms),
            number(timings.ended_ms),
            files.join("\n"),
            said(record.error.as_ref()),
        ];
        let set = fields.iter().map(|field| record.set.get(field).map(Setting::shown).unwrap_or_default());
        let _ = writer.write_record(cells.into_iter().chain(set));
    }
    writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

fn json_lines<'r>(records: impl IntoIterator<Item = &'r Record>) -> String {
    let line = |record: &Record| serde_json::to_string(record).unwrap_or_default() + "\n";
    records.into_iter().map(line).collect()
}
