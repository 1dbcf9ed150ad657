//! The rows of a job.

use std::collections::{BTreeSet, HashMap};

use runninghub_core::say;

use super::draft::{Draft, Excluded, InSet};
use crate::{
    At, Digest, Given, Problem, Row, Set,
    door::each::{combinations, coordinates},
    fingerprint::number,
    template,
};

/// Number of bits of a random seed: few enough for every program to read the same number.
const SEED_BITS: u32 = 53;

impl Draft<'_> {
    /// Makes the rows.
    pub(super) fn expand(&mut self) {
        let mut filled_in = BTreeSet::new();
        for (_, value, _) in &self.set {
            if let InSet::Given(given @ (Given::Text(_) | Given::File(_))) = value {
                filled_in.extend(template::names(&given.text()));
            }
        }
        let combinations = match combinations(&self.dimensions) {
            Ok(combinations) => combinations,
            Err(problem) => return self.reader.problems.add(problem),
        };
        let mut seen = HashMap::new();
        for combination in combinations {
            if is_excluded(&mut self.excluded, &combination) {
                continue;
            }
            let coordinates = coordinates(&self.dimensions, &combination);
            let value = |name: &str| {
                combination.iter().find(|(known, _)| *known == name).map(|(_, given)| given.text())
            };
            let fill = |text: &str| {
                template::fill(text, &|name| Some(value(name).unwrap_or_default())).unwrap_or_default()
            };
            let mut set = Set::default();
            for (name, given) in combination.iter().filter(|(name, _)| !filled_in.contains(*name)) {
                set.insert(*name, (*given).clone());
            }
            for (field, given, _) in &self.set {
                match given {
                    InSet::Given(Given::Text(text)) => set.insert(&**field, Given::Text(fill(text))),
                    InSet::Given(Given::File(path)) => {
                        set.insert(&**field, Given::File(fill(&path.to_string_lossy()).into()))
                    }
                    InSet::Given(given) => set.insert(&**field, given.clone()),
                    InSet::Random => continue,
                };
            }
            let random: Vec<&str> = self
                .set
                .iter()
                .filter(|(_, value, _)| matches!(value, InSet::Random))
                .map(|(name, ..)| &**name)
                .collect();
            // Runs with random seeds differ, so each of them is a row.
            let (copies, repeat) =
                if random.is_empty() { (1, self.base.repeat) } else { (self.base.repeat.unwrap_or(1), None) };
            for _ in 0..copies {
                let mut set = set.clone();
                draw(self.seed, &random, &mut set, &mut seen);
                let at =
                    At::Row(u64::try_from(self.job.rows.rows.len()).unwrap_or(u64::MAX).saturating_add(1));
                let field = |name: &str| value(name).or_else(|| set.get(name).map(Given::text));
                let id = self.base.id.as_ref().map(|id| {
                    template::fill(id, &|name| Some(field(name).unwrap_or_default())).unwrap_or_default()
                });
                let out = self.base.out.as_ref().map(|out| {
                    let part = |name: &str| {
                        value(name).map_or_else(|| format!("{{{name}}}"), |value| template::as_part(&value))
                    };
                    template::fill(out, &|name| Some(part(name))).unwrap_or_default()
                });
                let coordinates = coordinates.clone();
                self.job.rows.rows.push(Row { at, id, set, coordinates, out, repeat, ..self.base.clone() });
            }
        }
        for Excluded { at, .. } in self.excluded.iter().filter(|excluded| !excluded.is_used) {
            self.job.rows.notes.add(Problem::new(*at, say!("it excludes no combination")).column("exclude"));
        }
        if self.job.rows.rows.is_empty() {
            self.reader
                .problems
                .add(Problem::source(say!("all combinations are excluded")).column("exclude"));
        }
    }
}

fn is_excluded(excluded: &mut [Excluded], combination: &[(&str, &Given)]) -> bool {
    let has = |name: &str, values: &[String]| {
        combination.iter().any(|(known, given)| *known == name && values.contains(&given.text()))
    };
    let mut any = false;
    for excluded in excluded {
        if excluded.names.iter().all(|(name, values)| has(name, values)) {
            excluded.is_used = true;
            any = true;
        }
    }
    any
}

/// Derives the random seeds of a row from its other values, so that other rows don't affect them. `seen` counts equal
/// rows, which get different seeds.
fn draw(from: u64, fields: &[&str], set: &mut Set<Given>, seen: &mut HashMap<Digest, u32>) {
    if fields.is_empty() {
        return;
    }
    let mut row = String::new();
    for (field, given) in &*set {
        row.extend([&**field, "\0", &given.text(), "\0"]);
    }
    let row = Digest::of(row);
    let copy = seen.entry(row).or_default();
    *copy += 1;
    for field in fields {
        set.insert(*field, seed(&[&from.to_string(), field, &row.to_string(), &copy.to_string()]));
    }
}

/// A seed derived from texts.
pub(super) fn seed(from: &[&str]) -> Given {
    Given::Json((number(&Digest::of(from.join("\0"))) >> (64 - SEED_BITS)).into())
}
