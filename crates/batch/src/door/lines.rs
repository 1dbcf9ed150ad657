//! JSON Lines.

use std::path::PathBuf;

use runninghub_core::{Sentence, say};
use serde_json::{Value, value::RawValue};

use super::{
    json::{Entries, exact},
    text::decode,
};
use crate::{
    At, Error, Given, MAX_ROWS, Problem, Problems, Row, Rows, field::Field, likeness::did_you_mean,
    steering::Steering,
};

/// Keys that report how a row of an earlier run ended.
const REPORTS: [&str; 3] = ["error", "code", "task"];

impl Rows {
    /// Reads JSON Lines: one object on each line, `{"id":"cat-1","set":{"6.text":"a cat"},"out":"cats/{id}"}`.
    ///
    /// `custom_id` is accepted for `id`. The other keys are `repeat`, `priority`, `instance`, `profile` and `webhook`;
    /// `error`, `code` and `task`, which a file of failed rows has, are skipped. `set` has fields and values, where an
    /// `@` at the end of a field says that its value is the path of a file; or it is a list in the format of the API,
    /// `[{"nodeId":"6","fieldName":"text","fieldValue":"a cat"}]`. Text is sent to the letter. Empty lines are skipped.
    ///
    /// # Errors
    /// All problems, with their lines.
    pub fn from_json_lines(bytes: &[u8]) -> Result<Self, Error> {
        let text = decode(bytes)?;
        let (mut rows, mut problems) = (Self::default(), Problems::default());
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            let at = At::Line(number);
            let entries = match serde_json::from_str::<Entries>(line) {
                Ok(Entries(entries)) => entries,
                Err(error) => {
                    problems.add(not_an_object(at, line, &error));
                    // In a JSON document over several lines, every line would be reported.
                    if error.is_eof() {
                        break;
                    }
                    continue;
                }
            };
            if rows.rows.len() == MAX_ROWS {
                let what = say!("the file has more than {most} rows", most = MAX_ROWS);
                problems.add(Problem::new(at, what).cure(say!("split it into several batches")));
                break;
            }
            rows.rows.push(row(at, entries, &mut problems));
        }
        if rows.rows.is_empty() && problems.is_empty() {
            let what = say!("the file has no rows");
            problems.add(Problem::source(what).cure(say!("each line is a JSON object and describes a run")));
        }
        problems.unless_any(rows)
    }
}

fn not_an_object(at: At, line: &str, error: &serde_json::Error) -> Problem {
    let cure = say!("each line is an object with at least `set`, which maps fields to values");
    let what = if error.is_eof() {
        say!("the JSON continues on the next line")
    } else if line.trim_start().starts_with('{') {
        say!("it is not JSON: {error}", error = error.to_string())
    } else {
        say!("it is not an object")
    };
    Problem::new(at, what).cure(cure)
}

fn row(at: At, entries: Vec<(String, Box<RawValue>)>, problems: &mut Problems) -> Row {
    let mut row = Row { at, ..Row::default() };
    let mut seen: Vec<String> = Vec::new();
    for (key, json) in entries {
        let name = if key == "custom_id" { "id" } else { &*key };
        let done = if seen.iter().any(|seen| seen == name) {
            Err((say!("the key is set twice"), Some(say!("keep one of them"))))
        } else if name == "set" {
            set(&mut row, &json, problems)
        } else if REPORTS.contains(&name) {
            Ok(())
        } else if let Some(steering) = Steering::key(name) {
            steer(steering, &mut row, &json)
        } else {
            let keys = ["set", "custom_id"].into_iter().chain(Steering::keys());
            let inside = say!("fields belong inside `set`");
            Err((say!("the key is unknown"), Some(did_you_mean(&key, keys).unwrap_or(inside))))
        };
        seen.push(name.to_owned());
        if let Err((what, cure)) = done {
            problems.add(Problem::new(at, what).column(key).cure(cure));
        }
    }
    row
}

/// The problem, and how to fix it.
type Wrong = (Sentence, Option<Sentence>);

fn steer(steering: Steering, row: &mut Row, json: &RawValue) -> Result<(), Wrong> {
    let cell = match exact(json).map_err(|what| (what, None))? {
        Value::Null => return Ok(()),
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        other => {
            let other = other.to_string();
            return Err((say!("{other} is neither text nor a number", other), None));
        }
    };
    steering.apply(row, &cell).map_err(|(what, cure)| (what, Some(cure)))
}

fn set(row: &mut Row, json: &RawValue, problems: &mut Problems) -> Result<(), Wrong> {
    let entries = match json.get().bytes().next() {
        Some(b'[') => node_info_list(json)?,
        Some(b'{') => {
            serde_json::from_str::<Entries>(json.get()).map(|Entries(entries)| entries).unwrap_or_default()
        }
        _ => {
            let cure = say!("it maps fields to values, such as {example}", example = r#"{"6.text":"a cat"}"#);
            return Err((say!("it is not an object"), Some(cure)));
        }
    };
    for (key, json) in entries {
        if let Err((what, cure)) = value(row, &key, &json) {
            problems.add(Problem::new(row.at, what).column(key).cure(cure));
        }
    }
    Ok(())
}

fn value(row: &mut Row, key: &str, json: &RawValue) -> Result<(), Wrong> {
    let Field { name, is_file } = Field::parse(key)
        .map_err(|what| (what, Some(say!("a key is a field such as 6.text or Prompt.text"))))?;
    let given = match exact(json) {
        Ok(Value::String(path)) if is_file => Given::File(PathBuf::from(path)),
        Ok(_) if is_file => {
            return Err((say!("the value is not the path of a file"), Some(say!("write the path as text"))));
        }
        Ok(Value::String(text)) => Given::Text(text),
        Ok(value) => Given::Json(value),
        Err(what) => return Err((what, Some(say!("write it as text, in quotes, if the field takes text")))),
    };
    if row.set.insert(name, given) {
        return Ok(());
    }
    Err((say!("the field is set twice"), Some(say!("keep one of the values"))))
}

/// Fields and values of a list in the API's format.
fn node_info_list(json: &RawValue) -> Result<Vec<(String, Box<RawValue>)>, Wrong> {
    let example = r#"[{"nodeId":"6","fieldName":"text","fieldValue":"a cat"}]"#;
    let wrong = |what| (what, Some(say!("a list has entries such as {example}", example)));
    let list: Vec<Entries> =
        serde_json::from_str(json.get()).map_err(|_| wrong(say!("an entry of the list is not an object")))?;
    let mut fields = Vec::with_capacity(list.len());
    for Entries(entry) in list {
        let (mut node, mut field, mut value) = (None, None, None);
        for (key, json) in entry {
            match &*key {
                "nodeId" => node = word(&json),
                "fieldName" => field = word(&json),
                "fieldValue" => value = Some(json),
                _ => {}
            }
        }
        let (Some(node), Some(field), Some(value)) = (node, field, value) else {
            return Err(wrong(say!("an entry of the list lacks `nodeId`, `fieldName` or `fieldValue`")));
        };
        fields.push((format!("{node}.{field}"), value));
    }
    Ok(fields)
}

/// An id or a name: text, or a number as written.
fn word(json: &RawValue) -> Option<String> {
    match serde_json::from_str(json.get()).ok()? {
        Value::String(text) if !text.is_empty() => Some(text),
        Value::Number(_) => Some(json.get().to_owned()),
        _ => None,
    }
}
