//! Reads a job, and checks that all names in it exist.

use runninghub_core::{Kind, say};
use toml_edit::{Item, TableLike};

use super::{
    expand::seed,
    file::Job,
    reader::{Reader, Values},
};
use crate::{
    At, Given, Problem, Problems, Row,
    door::each::{Axis, Dimension},
    field::Field,
    likeness::did_you_mean,
    steering::Steering,
    template,
};

const TARGETS: [(&str, Kind); 4] =
    [("workflow", Kind::Workflow), ("app", Kind::App), ("quick", Kind::Quick), ("model", Kind::Model)];
const TABLES: [&str; 5] = ["set", "matrix", "zip", "exclude", "limits"];
const LIMITS: [&str; 4] = ["slots", "max_cost", "max_failures", "until"];

/// A job being read.
pub(super) struct Draft<'r> {
    pub(super) reader: Reader<'r>,
    pub(super) job: Job,
    /// Settings common to all rows; `id` and `out` are not filled in yet.
    pub(super) base: Row,
    pub(super) seed: u64,
    pub(super) set: Vec<(String, InSet, At)>,
    pub(super) dimensions: Vec<Dimension>,
    pub(super) excluded: Vec<Excluded>,
}

/// A value of `[set]`.
pub(super) enum InSet {
    Given(Given),
    /// A random seed for each row.
    Random,
}

/// An `[[exclude]]`: combinations in which each of these names has one of its values.
pub(super) struct Excluded {
    pub(super) at: At,
    pub(super) names: Vec<(String, Vec<String>)>,
    pub(super) is_used: bool,
}

impl<'r> Draft<'r> {
    pub(super) fn new(reader: Reader<'r>) -> Self {
        Self {
            reader,
            job: Job::default(),
            base: Row::default(),
            seed: 0,
            set: Vec::new(),
            dimensions: Vec::new(),
            excluded: Vec::new(),
        }
    }

    pub(super) fn read(&mut self, table: &dyn TableLike) {
        let targets = TARGETS.iter().map(|(key, _)| *key);
        let known: Vec<&str> = targets.chain(["seed"]).chain(Steering::keys()).chain(TABLES).collect();
        for (key, item, at) in self.reader.entries(table, &known) {
            match key {
                "set" => self.read_set(item, at),
                "matrix" => {
                    if let Some(table) = self.reader.table(key, item, at) {
                        let axes = self.axes(table);
                        self.dimensions.extend(axes.into_iter().map(Dimension::from));
                    }
                }
                "zip" => {
                    for table in self.reader.tables(key, item, at) {
                        let axes = self.axes(table);
                        match Dimension::zip(axes) {
                            Ok(dimension) if dimension.len() == 0 => {}
                            Ok(dimension) => self.dimensions.push(dimension),
                            Err(error) => self.reader.add(&error, at, key),
                        }
                    }
                }
                "exclude" => {
                    for table in self.reader.tables(key, item, at) {
                        self.read_excluded(table, at);
                    }
                }
                "limits" => self.read_limits(key, item, at),
                "seed" => match item.as_integer().and_then(|seed| u64::try_from(seed).ok()) {
                    Some(seed) => self.seed = seed,
                    None => self.reader.wrong(at, key, say!("it is not a non-negative integer"), None),
                },
                key => self.read_word(key, item, at),
            }
        }
    }

    /// A target, or a setting for all rows.
    fn read_word(&mut self, key: &str, item: &Item, at: At) {
        let Some(text) = scalar(item) else {
            self.reader.wrong(at, key, say!("it is neither text nor a number"), None);
            return;
        };
        if let Some((_, kind)) = TARGETS.iter().find(|(known, _)| *known == key) {
            if self.job.target.replace((kind.clone(), text)).is_some() {
                self.reader.wrong(
                    at,
                    key,
                    say!("the job already runs something else"),
                    say!("keep one of them"),
                );
            }
        } else if let Some(steering) = Steering::key(key)
            && let Err((what, cure)) = steering.apply(&mut self.base, &text)
        {
            self.reader.wrong(at, key, what, cure);
        }
    }

    fn read_set(&mut self, item: &Item, at: At) {
        let Some(table) = self.reader.table("set", item, at) else { return };
        for (key, item, at) in self.reader.fields(table) {
            let Some(Field { name, is_file }) = self.reader.field(&key, at) else { continue };
            if self.set.iter().any(|(known, ..)| *known == name) {
                self.reader.wrong(at, &key, say!("the field is set twice"), say!("keep one of the values"));
                continue;
            }
            let random =
                item.as_inline_table().filter(|table| table.len() == 1).and_then(|table| table.get("random"));
            let value = match random.map(toml_edit::Value::as_bool) {
                Some(Some(true)) => Some(InSet::Random),
                Some(_) => {
                    let cure =
                        say!("write {example} to get a seed for each row", example = "{ random = true }");
                    self.reader.wrong(at, &key, say!("it is not a random seed"), cure);
                    None
                }
                None => self.reader.one(&key, item, is_file, at).map(InSet::Given),
            };
            self.set.extend(value.map(|value| (name, value, at)));
        }
    }

    fn axes(&mut self, table: &dyn TableLike) -> Vec<Axis> {
        let mut axes = Vec::new();
        for (key, item, at) in self.reader.fields(table) {
            let Some(Field { name, is_file }) = self.reader.field(&key, at) else { continue };
            let values = match self.reader.values(&key, item, is_file, at) {
                Some(Values::List(values)) if values.is_empty() => {
                    self.reader.wrong(at, &key, say!("there are no values"), None);
                    continue;
                }
                Some(Values::List(values)) => values,
                Some(Values::Random(count)) => {
                    (0..count).map(|at| seed(&[&self.seed.to_string(), &name, &at.to_string()])).collect()
                }
                None => continue,
            };
            axes.push(Axis { name, values, notes: Problems::default() });
        }
        axes
    }

    fn read_excluded(&mut self, table: &dyn TableLike, at: At) {
        let mut excluded = Excluded { at, names: Vec::new(), is_used: false };
        for (key, item, at) in self.reader.fields(table) {
            let Some(Field { name, .. }) = self.reader.field(&key, at) else { continue };
            let values = match item.as_array() {
                Some(_) => match self.reader.values(&key, item, false, at) {
                    Some(Values::List(values)) => values,
                    _ => continue,
                },
                None => self.reader.one(&key, item, false, at).into_iter().collect(),
            };
            excluded.at = at;
            excluded.names.push((name, values.iter().map(Given::text).collect()));
        }
        self.excluded.push(excluded);
    }

    fn read_limits(&mut self, key: &str, item: &Item, at: At) {
        let Some(table) = self.reader.table(key, item, at) else { return };
        for (key, item, at) in self.reader.entries(table, &LIMITS) {
            let text = scalar(item).unwrap_or_default();
            let limits = &mut self.job.limits;
            let done = match key {
                "slots" => match text.parse() {
                    Ok(slots @ 1..) => {
                        limits.slots = Some(slots);
                        Ok(())
                    }
                    _ => Err(say!("`{text}` is not a number of slots", text)),
                },
                "max_cost" => match text.parse() {
                    Ok(cost) => {
                        limits.max_cost = Some(cost);
                        Ok(())
                    }
                    Err(_) => Err(say!("`{text}` is not an amount such as 3 or 0.25", text)),
                },
                "max_failures" => text.parse().map(|most| limits.max_failures = Some(most)),
                _ => text.parse().map(|until| limits.until = Some(until)),
            };
            if let Err(what) = done {
                self.reader.wrong(at, key, what, None);
            }
        }
    }

    fn names(&self) -> Vec<&str> {
        self.dimensions.iter().flat_map(|dimension| &dimension.0).map(|axis| &*axis.name).collect()
    }

    /// Whether all names that are used exist.
    pub(super) fn check(&mut self) {
        let names: Vec<String> = self.names().into_iter().map(str::to_owned).collect();
        let mut wrong = Vec::new();
        let mut look = |at: At, column: &str, used: &str, also: &[String]| {
            if !names.iter().chain(also).any(|name| name == used) {
                let what = say!("`{name}` is not a key of the matrix", name = used);
                let braces = say!("write {escaped} for literal braces", escaped = format!("{{{{{used}}}}}"));
                let cure = did_you_mean(used, names.iter().chain(also).map(String::as_str)).unwrap_or(braces);
                wrong.push(Problem::new(at, what).column(column).cure(cure));
            }
        };
        for (field, value, at) in &self.set {
            if let InSet::Given(Given::Text(text)) = value {
                for used in template::names(text) {
                    look(*at, field, &used, &[]);
                }
            }
        }
        let fields: Vec<String> = self.set.iter().map(|(field, ..)| field.clone()).collect();
        if let Some(id) = &self.base.id {
            for used in template::names(id) {
                look(At::Source, "id", &used, &fields);
            }
        }
        for Excluded { at, names, .. } in &self.excluded {
            for (used, _) in names {
                look(*at, used, used, &[]);
            }
        }
        for (field, _, at) in self.set.iter().filter(|(field, ..)| names.contains(field)) {
            let what = say!("the field has a value in [set] and others in the matrix");
            wrong.push(Problem::new(*at, what).column(field).cure(say!("keep one of them")));
        }
        for problem in wrong {
            self.reader.problems.add(problem);
        }
    }
}

/// A text, a number or a time of day as text.
fn scalar(item: &Item) -> Option<String> {
    let time = |time: String| time.get(..5).map(str::to_owned);
    item.as_str()
        .map(str::to_owned)
        .or_else(|| item.as_integer().map(|number| number.to_string()))
        .or_else(|| item.as_float().map(|number| number.to_string()))
        .or_else(|| item.as_datetime().and_then(|date| time(date.to_string())))
}
