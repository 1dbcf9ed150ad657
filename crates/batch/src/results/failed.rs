//! Failed rows, as a source that can be run again.

use serde_json::{Map, Value, json};

use super::record::{ItemError, Record};
use crate::{ItemState, Setting, template::as_part};

/// Spreadsheets interpret text that begins with one of these as a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// The name of a column, and the cell of a row in it.
type Column = (&'static str, fn(&Record) -> String);

/// Control columns. Their cells are empty for the default.
const STEERING: [Column; 4] = [
    ("_out", |row| if has_folder(row) { row.out.clone() } else { String::new() }),
    ("_instance", |row| row.instance.clone().unwrap_or_default()),
    ("_profile", |row| row.profile.clone().unwrap_or_default()),
    ("_priority", |row| if row.priority == 0 { String::new() } else { row.priority.to_string() }),
];

/// Failed and refused rows with their errors, as a file that can be run again.
///
/// It is a table if all rows set the same fields, and JSON Lines otherwise.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failed {
    /// The name of the file, one of [`Failed::NAMES`].
    pub name: &'static str,
    /// Its content.
    pub text: String,
}

impl Failed {
    /// Its possible names.
    pub const NAMES: [&str; 2] = ["failed.csv", "failed.jsonl"];

    /// The failed rows; `None` if there are none.
    pub fn of<'r>(records: impl IntoIterator<Item = &'r Record>) -> Option<Self> {
        let is_failed = |record: &&Record| matches!(record.state, ItemState::Failed | ItemState::Refused);
        let failed: Vec<&Record> = records.into_iter().filter(is_failed).collect();
        let first = failed.first()?;
        let fields = |record: &Record| record.set.iter().map(|(field, _)| field.clone()).collect::<Vec<_>>();
        let common = fields(first);
        let [table, lines] = Self::NAMES;
        let is_table = failed.iter().all(|record| fields(record) == common);
        if let Some(text) = is_table.then(|| self::table(first, &failed)).flatten() {
            return Some(Self { name: table, text });
        }
        Some(Self { name: lines, text: failed.iter().map(|record| line(record) + "\n").collect() })
    }
}

/// The rows as a table. They all set the fields of the first one.
fn table(first: &Record, failed: &[&Record]) -> Option<String> {
    let is_file =
        |field: &str| failed.iter().all(|row| matches!(row.set.get(field), Some(Setting::File { .. })));
    let header = |field: &str| if is_file(field) { format!("{field}@") } else { field.to_owned() };
    let fields: Vec<String> = first.set.iter().map(|(field, _)| header(field)).collect();
    let is_used = |of: fn(&Record) -> String| failed.iter().any(|row| !of(row).is_empty());
    let steering: Vec<_> = STEERING.into_iter().filter(|(_, of)| is_used(*of)).collect();
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    let names = std::iter::once("_id").chain(fields.iter().map(String::as_str));
    let names = names.chain(steering.iter().map(|(name, _)| *name)).chain(["_error", "_code", "_task"]);
    writer.write_record(names).ok()?;
    for row in failed {
        let task = row.task_id.as_ref().map(|id| id.as_str().to_owned()).unwrap_or_default();
        let report = [said(row.error.as_ref()), code(row).unwrap_or_default().to_owned(), task];
        let cells = std::iter::once(row.id.as_str().to_owned())
            .chain(row.set.iter().map(|(_, setting)| cell(setting)))
            .chain(steering.iter().map(|(_, of)| of(row)))
            .chain(report);
        writer.write_record(cells).ok()?;
    }
    let text = String::from_utf8(writer.into_inner().ok()?).ok()?;
    // Without the byte order mark, spreadsheets assume another encoding.
    Some(if text.is_ascii() { text } else { format!("\u{feff}{text}") })
}

/// A row as JSON.
fn line(row: &Record) -> String {
    let mut set = Map::new();
    for (field, setting) in &row.set {
        let (field, value) = match setting {
            Setting::Text(text) => (field.to_string(), text.as_str().into()),
            Setting::Json(value) => (field.to_string(), value.clone()),
            Setting::File { path, .. } => (format!("{field}@"), path.to_string_lossy().into()),
        };
        set.insert(field, value);
    }
    let mut line = Map::new();
    line.insert("id".into(), row.id.as_str().into());
    line.insert("set".into(), Value::Object(set));
    if has_folder(row) {
        line.insert("out".into(), row.out.as_str().into());
    }
    if let Some(instance) = &row.instance {
        line.insert("instance".into(), instance.as_str().into());
    }
    if let Some(profile) = &row.profile {
        line.insert("profile".into(), profile.as_str().into());
    }
    if row.priority != 0 {
        line.insert("priority".into(), row.priority.into());
    }
    line.insert("error".into(), row.error.as_ref().map(|error| error.message.as_str()).into());
    line.insert("code".into(), code(row).into());
    line.insert("task".into(), json!(row.task_id));
    Value::Object(line).to_string()
}

/// Whether its results are not in a folder of its own name.
fn has_folder(row: &Record) -> bool {
    row.out != as_part(row.id.as_str())
}

fn code(row: &Record) -> Option<&str> {
    row.error.as_ref()?.code.as_deref()
}

/// A value in the form in which it can be read again.
fn cell(setting: &Setting) -> String {
    match setting {
        Setting::Text(text) => text.clone(),
        Setting::Json(value) => value.to_string(),
        Setting::File { path, .. } => path.to_string_lossy().into_owned(),
    }
}

/// A server's message, made safe for spreadsheets.
pub(super) fn said(error: Option<&ItemError>) -> String {
    let message = error.map(|error| error.message.clone()).unwrap_or_default();
    if message.starts_with(FORMULA) { format!("'{message}") } else { message }
}
