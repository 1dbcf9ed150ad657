//! Reads the keys of a job with their lines.

use std::{ops::Range, path::Path};

use runninghub_core::{Sentence, say};
use serde_json::{Map, Number};
use toml_edit::{Document, Item, TableLike, Value};

use crate::{
    At, Error, Given, Problem, Problems,
    door::{
        disk::Files,
        each::{Axis, range},
    },
    field::Field,
    likeness::did_you_mean,
};

/// Maximum number of random seeds on an axis.
const MAX_SEEDS: i64 = 100_000;

/// The text of a job, for the lines of its problems.
pub(super) struct Reader<'r> {
    pub(super) document: &'r Document<String>,
    pub(super) files: &'r dyn Files,
    pub(super) problems: Problems,
}

/// The values of a field in a job.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Values {
    /// Given values.
    List(Vec<Given>),
    /// This many random seeds.
    Random(usize),
}

impl Reader<'_> {
    /// Adds the problems found at a key.
    pub(super) fn add(&mut self, error: &Error, at: At, key: &str) {
        error.problems().iter().for_each(|problem| self.problems.add(problem.clone().at(at).column(key)));
    }

    pub(super) fn wrong(&mut self, at: At, key: &str, what: Sentence, cure: impl Into<Option<Sentence>>) {
        self.problems.add(Problem::new(at, what).column(key).cure(cure));
    }

    /// The entries of a table with their lines. A key that isn't one of `known` is a problem.
    pub(super) fn entries<'t>(
        &mut self,
        table: &'t dyn TableLike,
        known: &[&str],
    ) -> Vec<(&'t str, &'t Item, At)> {
        let mut entries = Vec::new();
        for (key, item) in table.iter() {
            let at = self.at(table, key, item);
            if known.contains(&key) {
                entries.push((key, item, at));
            } else {
                let all = say!("the keys here are {keys}", keys = known.join(", "));
                let cure = did_you_mean(key, known.iter().copied()).unwrap_or(all);
                self.wrong(at, key, say!("the key is unknown"), cure);
            }
        }
        entries
    }

    fn at(&self, table: &dyn TableLike, key: &str, item: &Item) -> At {
        let span = table.key(key).and_then(toml_edit::Key::span).or_else(|| item.span());
        span.map_or(At::Source, |span| line(self.document.raw(), &span))
    }

    /// The entries of a table of fields. Unquoted `6.text` is a nested table, and is accepted as a field.
    pub(super) fn fields<'t>(&self, table: &'t dyn TableLike) -> Vec<(String, &'t Item, At)> {
        let mut fields = Vec::new();
        for (key, item) in table.iter() {
            match item.as_table() {
                Some(inner) => fields.extend(
                    self.fields(inner)
                        .into_iter()
                        .map(|(field, item, at)| (format!("{key}.{field}"), item, at)),
                ),
                None => fields.push((key.to_owned(), item, self.at(table, key, item))),
            }
        }
        fields
    }

    /// A table.
    pub(super) fn table<'t>(&mut self, key: &str, item: &'t Item, at: At) -> Option<&'t dyn TableLike> {
        let table = item.as_table_like();
        if table.is_none() {
            let cure = say!("it begins with the line [{key}]", key);
            self.wrong(at, key, say!("it is not a table"), cure);
        }
        table
    }

    /// The tables of `[[key]]`.
    pub(super) fn tables<'t>(&mut self, key: &str, item: &'t Item, at: At) -> Vec<&'t dyn TableLike> {
        if let Some(tables) = item.as_array_of_tables() {
            return tables.iter().map(|table| table as &dyn TableLike).collect();
        }
        let cure = say!("each one begins with a line [[{key}]]", key);
        self.wrong(at, key, say!("it is not a list of tables"), cure);
        Vec::new()
    }

    /// The name of a field, and whether it takes files.
    pub(super) fn field(&mut self, key: &str, at: At) -> Option<Field> {
        let field = Field::parse(key);
        field.map_err(|what| self.wrong(at, key, what, say!("a key is a field such as \"6.text\""))).ok()
    }

    /// A single value.
    pub(super) fn one(&mut self, key: &str, item: &Item, is_file: bool, at: At) -> Option<Given> {
        let value = item.as_value().map(|value| given(value, is_file));
        match value.unwrap_or_else(|| Err(say!("it is a table, not a value"))) {
            Ok(given) => Some(given),
            Err(what) => {
                self.wrong(at, key, what, say!("write a text, a number, true, false or a list"));
                None
            }
        }
    }

    /// The values of an axis: `["a", "b"]`, `"1..4"`, `{ random = 4 }`, `{ glob = "in/*.png" }` or `{ lines = "a.txt" }`.
    pub(super) fn values(&mut self, key: &str, item: &Item, is_file: bool, at: At) -> Option<Values> {
        let cure = || {
            say!(
                "values are {list}, {range}, {random}, {glob} or {lines}",
                list = r#"["a", "b"]"#,
                range = r#""1..4""#,
                random = "{ random = 4 }",
                glob = r#"{ glob = "in/*.png" }"#,
                lines = r#"{ lines = "prompts.txt" }"#
            )
        };
        if let Some(array) = item.as_array() {
            let values: Result<Vec<_>, _> = array.iter().map(|value| given(value, is_file)).collect();
            return values.map(Values::List).map_err(|what| self.wrong(at, key, what, cure())).ok();
        }
        if let Some(numbers) = item.as_str().and_then(range) {
            let number = |text: String| {
                text.parse().map_or(Given::Text(text), |number: i64| Given::Json(number.into()))
            };
            let numbers = numbers.map(|numbers| Values::List(numbers.into_iter().map(number).collect()));
            return numbers.map_err(|problem| self.problems.add(problem.at(at).column(key))).ok();
        }
        let source =
            item.as_inline_table().filter(|table| table.len() == 1).and_then(|table| table.iter().next());
        match source {
            Some(("random", Value::Integer(count))) if (1..=MAX_SEEDS).contains(count.value()) => {
                return usize::try_from(*count.value()).ok().map(Values::Random);
            }
            Some(("glob", Value::String(pattern))) => match self.files.matching(pattern.value()) {
                Ok(paths) => return Some(Values::List(paths.into_iter().map(Given::File).collect())),
                Err(error) => self.add(&error, at, key),
            },
            Some(("lines", Value::String(path))) => return self.lines(key, path.value(), at),
            _ => self.wrong(at, key, say!("it is not a list of values"), cure()),
        }
        None
    }

    fn lines(&mut self, key: &str, path: &str, at: At) -> Option<Values> {
        let read = self.files.read(Path::new(path));
        let axis = match read {
            Ok(bytes) => Axis::lines(key, &bytes),
            Err(why) => {
                self.wrong(at, key, say!("cannot read {what}: {why}", what = path, why), None);
                return None;
            }
        };
        match axis {
            Ok(axis) => Some(Values::List(axis.values)),
            Err(error) => {
                error.problems().iter().for_each(|problem| self.problems.add(problem.clone().column(path)));
                None
            }
        }
    }
}

/// The line in which a span begins.
pub(super) fn line(text: &str, span: &Range<usize>) -> At {
    let before = text.get(..span.start).unwrap_or_default();
    At::Line(u64::try_from(before.matches('\n').count()).unwrap_or(u64::MAX).saturating_add(1))
}

/// A TOML value as a JSON value, text or a path.
fn given(value: &Value, is_file: bool) -> Result<Given, Sentence> {
    match value {
        Value::String(text) if is_file => Ok(Given::File(text.value().into())),
        _ if is_file => Err(say!("the value is not the path of a file")),
        Value::String(text) => Ok(Given::Text(text.value().clone())),
        value => json(value).map(Given::Json),
    }
}

fn json(value: &Value) -> Result<serde_json::Value, Sentence> {
    Ok(match value {
        Value::String(text) => text.value().clone().into(),
        Value::Integer(number) => (*number.value()).into(),
        Value::Float(number) => Number::from_f64(*number.value())
            .map(serde_json::Value::Number)
            .ok_or_else(|| say!("the number is not finite"))?,
        Value::Boolean(value) => (*value.value()).into(),
        Value::Datetime(_) => return Err(say!("a date needs quotes around it")),
        Value::Array(values) => values.iter().map(json).collect::<Result<Vec<_>, _>>()?.into(),
        Value::InlineTable(table) => {
            let entries = table.iter().map(|(key, value)| Ok((key.to_owned(), json(value)?)));
            entries.collect::<Result<Map<_, _>, Sentence>>()?.into()
        }
    })
}
