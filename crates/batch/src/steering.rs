//! Columns that control a row and aren't sent: its id, its folder, its repeat count.

use runninghub_core::{Sentence, say};

use crate::{Row, likeness::did_you_mean};

/// Maximum repeats of a row.
const MAX_REPEAT: u32 = 10_000;
/// Maximum length of an id, in bytes: ids become file names.
const MAX_ID: usize = 120;

/// A property of a row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Steering {
    Id,
    Out,
    Repeat,
    Priority,
    Instance,
    Profile,
    Webhook,
}

impl Steering {
    const ALL: [(&str, Self); 7] = [
        ("_id", Self::Id),
        ("_out", Self::Out),
        ("_repeat", Self::Repeat),
        ("_priority", Self::Priority),
        ("_instance", Self::Instance),
        ("_profile", Self::Profile),
        ("_webhook", Self::Webhook),
    ];

    /// The names without the `_` of columns.
    pub(crate) fn keys() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().filter_map(|(name, _)| name.strip_prefix('_'))
    }

    /// Looks up the name of a column.
    ///
    /// # Errors
    /// What is wrong with the name, with the most similar name as a hint.
    pub(crate) fn column(name: &str) -> Result<Self, (Sentence, Option<Sentence>)> {
        let found = Self::ALL.into_iter().find(|(known, _)| *known == name);
        found.map(|(_, steering)| steering).ok_or_else(|| {
            let names = Self::ALL.map(|(name, _)| name);
            let all = say!(
                "columns that begin with `_` are {names}; others name a field",
                names = names.join(", ")
            );
            (say!("the column is unknown"), Some(did_you_mean(name, names).unwrap_or(all)))
        })
    }

    /// Looks up a key without `_`.
    pub(crate) fn key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(name, _)| name.strip_prefix('_') == Some(key)).map(|(_, found)| found)
    }

    /// Applies a cell to its row. An empty cell changes nothing.
    ///
    /// # Errors
    /// What is wrong with the cell, and how to fix it.
    pub(crate) fn apply(self, row: &mut Row, cell: &str) -> Result<(), (Sentence, Sentence)> {
        let cell = cell.trim();
        if cell.is_empty() {
            return Ok(());
        }
        let text = Some(cell.to_owned());
        match self {
            Self::Id if cell.len() > MAX_ID || cell.chars().any(char::is_control) => {
                return Err((
                    say!("the id has more than {most} bytes or a control character", most = MAX_ID),
                    say!("an id is a short name such as cat-1"),
                ));
            }
            Self::Id => row.id = text,
            Self::Out => row.out = text,
            Self::Instance => row.instance = text,
            Self::Profile => row.profile = text,
            Self::Webhook => row.webhook = text,
            Self::Repeat => match cell.parse() {
                Ok(times @ 1..=MAX_REPEAT) => row.repeat = Some(times),
                _ => {
                    return Err((
                        say!("`{cell}` is not a valid repeat count", cell),
                        say!("it must be an integer from 1 to {most}", most = MAX_REPEAT),
                    ));
                }
            },
            Self::Priority => match cell.parse() {
                Ok(priority) => row.priority = Some(priority),
                Err(_) => {
                    return Err((
                        say!("`{cell}` is not a valid priority", cell),
                        say!("it must be an integer; rows with a higher priority start earlier"),
                    ));
                }
            },
        }
        Ok(())
    }
}
