//! What every door makes: rows, before files are read and ids are given.

use std::{path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{At, Problems, Set};

/// The most rows of a batch, repeats included. More of them is a mistake in a matrix rather than a plan.
pub const MAX_ROWS: usize = 1_000_000;

/// A value as it was written.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Given {
    /// Text to the letter. The field's type decides what it becomes: `42` is a number where the field takes one.
    Text(String),
    /// A JSON value other than text.
    Json(Value),
    /// The path of a file, as it was written.
    File(PathBuf),
}

/// A value on an axis of a matrix: where in the matrix a row is.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub struct Coordinate {
    /// The name of the axis. Fields that advance together are one axis, with their names behind each other.
    pub axis: Arc<str>,
    /// The value.
    pub value: Arc<str>,
}

/// A row of a table, a line, or a combination: what it sets, and how it runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Row {
    /// Where it is in its source.
    pub at: At,
    /// Its own id, if it has one.
    pub id: Option<String>,
    /// What it sets.
    pub set: Set<Given>,
    /// Where in a matrix it is, the slowest axis first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub coordinates: Vec<Coordinate>,
    /// The folder of its results, below that of the batch: text in which `{id}`, `{row}` and `{field}` are filled in.
    pub out: Option<String>,
    /// How many times it runs; `None` is once.
    pub repeat: Option<u32>,
    /// Rows of a higher priority start earlier; `None` is 0.
    pub priority: Option<i32>,
    /// The instance type it runs on.
    pub instance: Option<String>,
    /// The profile, and with it the key, that pays for it.
    pub profile: Option<String>,
    /// The URL that the platform calls at its end.
    pub webhook: Option<String>,
}

/// The rows of a source, in its order.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Rows {
    /// The rows.
    pub rows: Vec<Row>,
    /// What isn't wrong, but may not be meant.
    pub notes: Problems,
}

impl Given {
    /// The value as text, for a folder's name and for people.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Text(text) | Self::Json(Value::String(text)) => text.clone(),
            Self::Json(value) => value.to_string(),
            Self::File(path) => path.display().to_string(),
        }
    }
}

impl Rows {
    /// Sets a field in every row that doesn't set it itself.
    pub fn set_everywhere(&mut self, field: &str, value: &Given) {
        let field: Arc<str> = field.into();
        for row in &mut self.rows {
            row.set.insert(field.clone(), value.clone());
        }
    }
}
