//! Combines files, lines and values of fields.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use runninghub_core::{Sentence, say};

use super::{disk::Files, text::decode};
use crate::{At, Coordinate, Error, Given, MAX_ROWS, Problem, Problems, Row, Rows, field::Field};

/// A field and the values that it takes in turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    pub(super) name: String,
    pub(super) values: Vec<Given>,
    pub(super) notes: Problems,
}

/// Axes that advance together: first all first values, then all second ones. All have the same length.
#[derive(Clone, Debug, PartialEq)]
pub struct Dimension(pub(super) Vec<Axis>);

impl Axis {
    /// A field with its values.
    ///
    /// # Errors
    /// If the name isn't that of a field.
    pub fn new(field: &str, values: Vec<Given>) -> Result<Self, Error> {
        let Field { name, .. } = Field::parse(field).map_err(|what| {
            let cure = say!("a field is named like 6.text or Prompt.text");
            Problem::source(what).column(field).cure(cure)
        })?;
        Ok(Self { name, values, notes: Problems::default() })
    }

    /// A field and its values in one text: a range of whole numbers with both ends, `3.seed=1..4`, or values between
    /// commas, `5.name=euler,"a, b"`. Spaces around a value are dropped.
    ///
    /// # Errors
    /// If the field or a value is missing, or the range counts down or has more values than a batch has rows.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let Some((field, values)) = text.split_once('=') else {
            let what = say!("`{text}` has no values", text);
            return Err(Problem::source(what)
                .cure(say!("write 3.seed=1..4 or 5.sampler_name=euler,ddim"))
                .into());
        };
        let is_file = field.trim_end().ends_with('@');
        let given = |text: String| if is_file { Given::File(text.into()) } else { Given::Text(text) };
        let values = match range(values) {
            Some(range) => range.map(|values| values.into_iter().map(given).collect()),
            None => list(values).map(|values| values.into_iter().map(given).collect()),
        };
        Self::new(field, values.map_err(|problem| problem.column(field))?)
    }

    /// A field that takes files in turn.
    ///
    /// # Errors
    /// If the name isn't that of a field.
    pub fn files(field: &str, paths: impl IntoIterator<Item = PathBuf>) -> Result<Self, Error> {
        Self::new(field, paths.into_iter().map(Given::File).collect())
    }

    /// A field that takes the lines of a text file in turn, verbatim. Empty lines are skipped; a line that begins with
    /// `#` is ordinary text, with a warning.
    ///
    /// # Errors
    /// If the name isn't that of a field, or the file isn't a text.
    pub fn lines(field: &str, file: &[u8]) -> Result<Self, Error> {
        let text = decode(file).map_err(|problem| problem.column(field))?;
        let mut axis = Self::new(field, Vec::new())?;
        let as_files = field.trim_end().ends_with('@');
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            if line.starts_with('#') {
                let what = say!("the line begins with `#` and is used as a value");
                axis.notes.add(Problem::new(At::Line(number), what).column(field));
            }
            axis.values.push(if as_files { Given::File(line.into()) } else { Given::Text(line.to_owned()) });
        }
        Ok(axis)
    }

    /// A field that takes the files of a pattern in turn: `10.image=@in/**/*.png`. The `@` may be left out.
    ///
    /// # Errors
    /// If the field or the pattern is missing or wrong, or no file matches.
    pub fn each(text: &str, files: &dyn Files) -> Result<Self, Error> {
        let (field, pattern) = parts(text, || say!("write {example}", example = "10.image=@in/**/*.png"))?;
        let paths = files.matching(pattern).map_err(|error| error.in_column(field))?;
        Self::files(field, paths)
    }

    /// A field that takes the lines of a text file in turn: `6.text=prompts.txt`.
    ///
    /// # Errors
    /// If the field or the file is missing, or the file isn't a text.
    pub fn each_line(text: &str, files: &dyn Files) -> Result<Self, Error> {
        let (field, path) = parts(text, || say!("write {example}", example = "6.text=prompts.txt"))?;
        let bytes = files.read(Path::new(path)).map_err(|why| {
            Problem::new(At::Source, say!("cannot read {what}: {why}", what = path, why)).column(field)
        })?;
        Self::lines(field, &bytes)
    }

    /// The field.
    pub fn field(&self) -> &str {
        &self.name
    }

    /// Its values.
    pub fn values(&self) -> &[Given] {
        &self.values
    }

    /// Its values.
    pub fn into_values(self) -> Vec<Given> {
        self.values
    }
}

impl Dimension {
    /// Axes that advance together.
    ///
    /// # Errors
    /// If they don't have the same number of values.
    pub fn zip(axes: Vec<Axis>) -> Result<Self, Error> {
        if let Some((first, rest)) = axes.split_first()
            && let Some(other) = rest.iter().find(|axis| axis.values.len() != first.values.len())
        {
            let what = say!(
                "`{first}` has {n} values, and `{other}` has {m}",
                first = &first.name,
                n = first.values.len(),
                other = &other.name,
                m = other.values.len()
            );
            return Err(Problem::source(what)
                .cure(say!("zipped fields need the same number of values"))
                .into());
        }
        Ok(Self(axes))
    }

    pub(super) fn len(&self) -> usize {
        self.0.first().map_or(0, |axis| axis.values.len())
    }
}

impl From<Axis> for Dimension {
    fn from(axis: Axis) -> Self {
        Self(vec![axis])
    }
}

impl Rows {
    /// One row for every combination of the dimensions' steps. The last dimension changes fastest.
    ///
    /// # Errors
    /// If a field is in two dimensions, or has no values, or there are more combinations than a batch may have rows.
    pub fn combine(dimensions: &[Dimension]) -> Result<Self, Error> {
        let mut rows = Self::default();
        for (number, combination) in (1..).zip(combinations(dimensions)?) {
            let coordinates = coordinates(dimensions, &combination);
            let mut row = Row { at: At::Row(number), coordinates, ..Row::default() };
            for (field, value) in combination {
                row.set.insert(field, value.clone());
            }
            rows.rows.push(row);
        }
        let axes = dimensions.iter().flat_map(|dimension| &dimension.0);
        axes.for_each(|axis| rows.notes.extend(axis.notes.clone()));
        Ok(rows)
    }
}

/// All combinations, as names and values.
pub(super) fn combinations(
    dimensions: &[Dimension],
) -> Result<impl Iterator<Item = Vec<(&str, &Given)>>, Problem> {
    let mut names = HashSet::new();
    for axis in dimensions.iter().flat_map(|dimension| &dimension.0) {
        if axis.values.is_empty() {
            return Err(Problem::source(say!("there are no values")).column(&axis.name));
        }
        if !names.insert(&*axis.name) {
            let cure = say!("a field takes one list of values");
            return Err(Problem::source(say!("the field has values twice")).column(&axis.name).cure(cure));
        }
    }
    let count = dimensions.iter().map(Dimension::len).fold(1_usize, usize::saturating_mul);
    if count > MAX_ROWS {
        let what = say!("there are {count} combinations; the maximum is {most}", count, most = MAX_ROWS);
        return Err(Problem::source(what).cure(say!("use fewer values, or zip some fields")));
    }
    Ok((0..count).map(|mut index| {
        let mut combination = Vec::new();
        for dimension in dimensions.iter().rev() {
            let (at, length) = (index % dimension.len(), dimension.len());
            index /= length;
            let step = dimension.0.iter().filter_map(|axis| Some((&*axis.name, axis.values.get(at)?)));
            combination.extend(step.rev());
        }
        combination.reverse();
        combination
    }))
}

/// The coordinates of a combination in the matrix.
pub(super) fn coordinates(dimensions: &[Dimension], combination: &[(&str, &Given)]) -> Vec<Coordinate> {
    let mut rest = combination;
    let coordinate = |dimension: &Dimension| {
        let (here, after) = rest.split_at_checked(dimension.0.len()).unwrap_or((rest, &[]));
        rest = after;
        let join = |parts: Vec<String>| parts.join(", ").into();
        Coordinate {
            axis: join(here.iter().map(|(name, _)| (*name).to_owned()).collect()),
            value: join(here.iter().map(|(_, given)| given.text()).collect()),
        }
    };
    dimensions.iter().map(coordinate).collect()
}

/// The numbers of `1..4`; `None` if the text isn't a range.
pub(super) fn range(text: &str) -> Option<Result<Vec<String>, Problem>> {
    let (first, last) = text.trim().split_once("..")?;
    let (first, last): (i64, i64) = (first.parse().ok()?, last.parse().ok()?);
    if first > last {
        let what = say!("the range `{text}` counts down", text);
        return Some(Err(Problem::source(what).cure(say!("write the smaller number first"))));
    }
    let length = usize::try_from(i128::from(last) - i128::from(first)).unwrap_or(usize::MAX);
    if length >= MAX_ROWS {
        let what = say!("the range `{text}` has more than {most} numbers", text, most = MAX_ROWS);
        return Some(Err(Problem::source(what)));
    }
    Some(Ok((first..=last).map(|number| number.to_string()).collect()))
}

/// Comma-separated values. A quoted value may contain commas; quotes in it are doubled.
fn list(text: &str) -> Result<Vec<String>, Problem> {
    let mut values = Vec::new();
    let mut rest = Some(text);
    while let Some(text) = rest {
        let value;
        (value, rest) = match text.trim_start().strip_prefix('"') {
            Some(quoted) => quoted_value(quoted).ok_or_else(|| {
                let cure = say!("double a quote inside a quoted value");
                Problem::source(say!("value {n} has no closing quote before its comma", n = values.len() + 1))
                    .cure(cure)
            })?,
            None => match text.split_once(',') {
                Some((value, rest)) => (value.trim().to_owned(), Some(rest)),
                None => (text.trim().to_owned(), None),
            },
        };
        values.push(value);
    }
    match values.iter().position(String::is_empty) {
        Some(_) if values.len() == 1 => Err(Problem::source(say!("there are no values"))),
        Some(at) => Err(Problem::source(say!("value {n} is empty", n = at + 1))),
        None => Ok(values),
    }
}

/// A value after its opening quote, and the text after the comma that follows it.
fn quoted_value(text: &str) -> Option<(String, Option<&str>)> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('"')?;
        value.push_str(part);
        match after.strip_prefix('"') {
            Some(after) => {
                value.push('"');
                rest = after;
            }
            None if after.trim_start().is_empty() => return Some((value, None)),
            None => return after.trim_start().strip_prefix(',').map(|rest| (value, Some(rest))),
        }
    }
}

/// The field and the file of `FIELD=FILE` or `FIELD=@FILE`.
fn parts(text: &str, cure: impl Fn() -> Sentence) -> Result<(&str, &str), Error> {
    let wrong = || Problem::source(say!("`{text}` does not name a field and a file", text)).cure(cure());
    let (field, file) = text.split_once('=').ok_or_else(wrong)?;
    let file = file.strip_prefix('@').unwrap_or(file);
    if field.trim().is_empty() || file.is_empty() {
        return Err(wrong().into());
    }
    Ok((field, file))
}
