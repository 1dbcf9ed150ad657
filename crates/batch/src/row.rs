//! Rows from any source, before files are read and ids are assigned.

use std::{path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{At, Problems, Set};

/// Maximum rows of a batch, including repeats. A larger number is probably a mistake in a matrix.
pub const MAX_ROWS: usize = 1_000_000;

/// A value as written.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Given {
    /// Verbatim text. The field's type decides how it is sent: `42` is a number if the field takes one.
    Text(String),
    /// A JSON value other than text.
    Json(Value),
    /// The path of a file, as written.
    File(PathBuf),
}

/// A value on an axis of a matrix: where in the matrix a row is.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub struct Coordinate {
    /// The name of the axis. Fields that advance together are one axis, with their names joined.
    pub axis: Arc<str>,
    /// The value.
    pub value: Arc<str>,
}

/// A row of a table, a line, or a combination: its values, and how it runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Row {
    /// Its location in the source.
    pub at: At,
    /// Its own id, if it has one.
    pub id: Option<String>,
    /// What it sets.
    pub set: Set<Given>,
    /// Its coordinates in a matrix, the slowest axis first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub coordinates: Vec<Coordinate>,
    /// The folder of its results, below that of the batch: text in which `{id}`, `{row}` and `{field}` are filled in.
    pub out: Option<String>,
    /// How many times it runs; `None` means once.
    pub repeat: Option<u32>,
    /// Rows of a higher priority start earlier; `None` is 0.
    pub priority: Option<i32>,
    /// The instance type it runs on.
    pub instance: Option<String>,
    /// The profile whose key pays for it.
    pub profile: Option<String>,
    /// The webhook that the platform calls when it ends.
    pub webhook: Option<String>,
}

/// The rows of a source, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Rows {
    /// The rows.
    pub rows: Vec<Row>,
    /// Warnings about rows that are valid but may be unintended.
    pub notes: Problems,
}

impl Given {
    /// The value as text, for folder names and display.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Text(text) | Self::Json(Value::String(text)) => text.clone(),
            Self::Json(value) => value.to_string(),
            Self::File(path) => path.display().to_string(),
        }
    }
}

impl Rows {
    /// Sets a field in every row that lacks it.
    pub fn set_everywhere(&mut self, field: &str, value: &Given) {
        let field: Arc<str> = field.into();
        for row in &mut self.rows {
            row.set.insert(field.clone(), value.clone());
        }
    }
}
