//! Checks rows against their target: which texts are files, and which values it rejects.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use runninghub::{Field, Fields};
use runninghub_core::say;

use crate::{At, Error, Given, Problem, Problems, Row, Rows, Set};

impl Rows {
    /// Checks every value against the target, and turns texts in file fields into files. An empty text leaves a field
    /// unchanged, unless the field takes any text. Relative paths are resolved against `base`.
    ///
    /// # Errors
    /// All problems: fields that don't exist, values that are refused, files that are missing.
    pub fn fit(self, fields: &Fields, base: &Path) -> Result<Self, Error> {
        let Self { rows, notes } = self;
        let mut fitter = Fitter::new(fields, base, &rows);
        let rows = rows.into_iter().map(|row| fitter.row(row)).collect();
        fitter.problems.unless_any(Self { rows, notes })
    }
}

struct Fitter<'f> {
    fields: &'f Fields,
    base: &'f Path,
    /// The fields by their names in the rows; `None` for those that don't exist.
    known: HashMap<Arc<str>, Option<Field>>,
    /// Files that were checked, by field and path.
    files: HashSet<(Arc<str>, PathBuf)>,
    /// Values of control columns that have passed the check.
    steerings: HashSet<(&'static str, String)>,
    /// Combinations of fields that were checked.
    combinations: HashSet<Vec<Arc<str>>>,
    problems: Problems,
}

impl<'f> Fitter<'f> {
    fn new(fields: &'f Fields, base: &'f Path, rows: &[Row]) -> Self {
        let mut fitter = Self {
            fields,
            base,
            known: HashMap::new(),
            files: HashSet::new(),
            steerings: HashSet::new(),
            combinations: HashSet::new(),
            problems: Problems::default(),
        };
        fitter.find(rows);
        fitter
    }

    /// Finds the fields once for all rows.
    fn find(&mut self, rows: &[Row]) {
        let mut used: BTreeMap<&Arc<str>, (At, usize)> = BTreeMap::new();
        for row in rows {
            for (name, _) in &row.set {
                used.entry(name).or_insert((row.at, 0)).1 += 1;
            }
        }
        for (name, (first, count)) in used {
            let found = self.fields.find(name).map_err(|error| {
                // In a table, the whole column is wrong.
                let at = if count == rows.len() { At::Source } else { first };
                self.problems.add(Problem::of(at, name, &error));
            });
            self.known.insert(Arc::clone(name), found.ok());
        }
    }

    fn row(&mut self, row: Row) -> Row {
        let at = row.at;
        self.steering(at, "_instance", row.instance.as_deref(), Fields::check_instance);
        self.steering(at, "_webhook", row.webhook.as_deref(), Fields::check_webhook);
        let mut set = Set::default();
        for (name, given) in row.set.into_pairs() {
            if let Some(given) = self.value(at, &name, given) {
                set.insert(name, given);
            }
        }
        self.combination(at, &set);
        Row { set, ..row }
    }

    /// Checks a row's control columns. Valid values are checked once, invalid ones in each row.
    fn steering(
        &mut self,
        at: At,
        column: &'static str,
        value: Option<&str>,
        check: fn(&Fields, &str) -> Result<(), runninghub::Error>,
    ) {
        let Some(value) = value.filter(|value| !self.steerings.contains(&(column, (*value).to_owned())))
        else {
            return;
        };
        match check(self.fields, value) {
            Ok(()) => _ = self.steerings.insert((column, value.to_owned())),
            Err(error) => self.problems.add(Problem::of(at, column, &error)),
        }
    }

    /// The value to send; `None` if the field is left unchanged.
    fn value(&mut self, at: At, name: &Arc<str>, given: Given) -> Option<Given> {
        // A missing field has been reported already.
        let Some(Some(field)) = self.known.get(name) else { return Some(given) };
        let given = match given {
            Given::Text(text) if text.is_empty() && !field.takes_text => return None,
            Given::Text(text) if field.names_file(&text, |text| self.base.join(text).is_file()) => {
                Given::File(text.into())
            }
            given => given,
        };
        let checked = match &given {
            Given::Text(text) => self.fields.check_text(name, text),
            Given::Json(value) => self.fields.check_value(name, value),
            Given::File(path) => return Some(Given::File(self.file(at, name, path))),
        };
        if let Err(error) = checked {
            self.problems.add(Problem::of(at, name, &error));
        }
        Some(given)
    }

    /// The absolute path of a file. Each file is checked once.
    fn file(&mut self, at: At, name: &Arc<str>, path: &Path) -> PathBuf {
        let full = self.base.join(path);
        if !self.files.insert((Arc::clone(name), full.clone())) {
            return full;
        }
        if !full.is_file() {
            let what = say!("file {path} not found", path = path.display().to_string());
            let cure = say!("relative paths start at {base}", base = self.base.display().to_string());
            self.problems.add(Problem::new(at, what).column(&**name).cure(cure));
        } else if let Err(error) = self.fields.check_file(name, &full) {
            self.problems.add(Problem::of(at, name, &error));
        }
        full
    }

    /// Checks which fields a row sets. Most rows set the same.
    fn combination(&mut self, at: At, set: &Set<Given>) {
        let names: Vec<Arc<str>> = set.iter().map(|(name, _)| Arc::clone(name)).collect();
        if self.combinations.contains(&names) {
            return;
        }
        let mut seen: HashMap<&str, &Arc<str>> = HashMap::new();
        for name in &names {
            let Some(Some(field)) = self.known.get(name) else { continue };
            if let Some(other) = seen.insert(&field.name, name) {
                let what = say!("it sets the same field as `{other}`", other = &**other);
                let problem = Problem::new(at, what).column(&**name).cure(say!("keep one of them"));
                self.problems.add(problem);
            }
        }
        let all: Vec<&str> = seen.values().map(|name| &***name).collect();
        // An unknown field may be a misspelled one, which would then be reported as missing.
        if self.known.values().all(Option::is_some)
            && let Err(error) = self.fields.check_complete(&all)
        {
            let mut problem = Problem::new(at, error.sentence());
            problem.cure = error.hint().cloned();
            self.problems.add(problem);
        }
        self.combinations.insert(names);
    }
}

impl Problem {
    /// An error about the value of a column.
    fn of(at: At, column: &str, error: &runninghub::Error) -> Self {
        Self::new(at, runninghub::sentence_of(error)).column(column).cure(error.hint().cloned())
    }
}
