//! Turns rows into items: computes digests of files and assigns ids.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use runninghub_core::{Sentence, say};

use crate::{
    At, Digest, Error, Given, Item, ItemId, MAX_ROWS, Problem, Problems, Row, Rows, Setting, Target,
    fingerprint::{Fingerprints, number, prefix},
    likeness::did_you_mean,
    template,
};

/// Number of hexadecimal digits of a fingerprint in an id, and in the longer form used if the short one is taken.
const ID_DIGITS: usize = 10;
const LONG_ID_DIGITS: usize = 32;

/// The items of a batch, in the order of its rows.
#[derive(Clone, Debug, Default)]
pub struct Items {
    /// The items.
    pub items: Vec<Item>,
    /// Warnings about rows that are valid but may be unintended: equal rows, for example.
    pub notes: Problems,
}

/// A function that returns the digest of a file's content, or why it can't be read.
pub type ReadDigest<'f> = &'f mut dyn FnMut(&Path) -> Result<Digest, Sentence>;

/// A row whose files have been read.
struct Known {
    at: At,
    item: Item,
    own_id: Option<String>,
    out: Option<String>,
}

impl Rows {
    /// Makes items of the rows. `digest` is called once for each path. With `unique`, equal rows are refused; otherwise
    /// each of them runs, with a note.
    ///
    /// # Errors
    /// All problems: files that can't be read, ids that are used twice, folders that lead elsewhere.
    pub fn freeze(self, target: &Target, unique: bool, digest: ReadDigest<'_>) -> Result<Items, Error> {
        let Self { rows, notes } = self;
        let mut freezer = Freezer {
            target: Arc::new(target.clone()),
            fingerprints: Fingerprints::new(target),
            digests: HashMap::new(),
            problems: Problems::default(),
            digest,
        };
        let repeats = |row: &Row| usize::try_from(row.repeat.unwrap_or(1)).unwrap_or(usize::MAX);
        let all = rows.iter().map(repeats).fold(0_usize, usize::saturating_add);
        if all > MAX_ROWS {
            let what = say!("the batch has {all} runs; the maximum is {most}", all, most = MAX_ROWS);
            return Err(Problem::source(what).into());
        }
        let mut known = Vec::with_capacity(all);
        for row in rows {
            freezer.row(row, &mut known);
        }
        let mut problems = freezer.problems;
        let mut items = Items { items: Vec::with_capacity(known.len()), notes };
        name(&mut known, unique, &mut problems, &mut items.notes);
        for Known { at, mut item, out, .. } in known {
            match folder(out.as_deref(), &item) {
                Ok(out) => item.out = out,
                Err(problem) => problems.add(problem.at(at).column("_out")),
            }
            items.items.push(item);
        }
        problems.unless_any(items)
    }
}

struct Freezer<'f> {
    target: Arc<Target>,
    fingerprints: Fingerprints,
    digests: HashMap<PathBuf, Option<Digest>>,
    problems: Problems,
    digest: ReadDigest<'f>,
}

impl Freezer<'_> {
    fn row(&mut self, row: Row, known: &mut Vec<Known>) {
        let at = row.at;
        let set = row.set.try_map(|field, given| self.setting(at, field, given).ok_or(()));
        // The problem has been recorded.
        let Ok(set) = set else { return };
        let number = match at {
            At::Row(number) | At::Line(number) => number,
            At::Source => 0,
        };
        let item = Item {
            id: "".into(),
            fingerprint: self.fingerprints.of(&set, row.instance.as_deref()),
            set,
            target: self.target.clone(),
            coordinates: row.coordinates,
            instance: row.instance,
            profile: row.profile,
            webhook: row.webhook,
            priority: row.priority.unwrap_or_default(),
            out: String::new(),
            row: number,
            repeat: 1,
        };
        for repeat in 1..=row.repeat.unwrap_or(1) {
            let item = Item { repeat, ..item.clone() };
            known.push(Known { at, item, own_id: row.id.clone(), out: row.out.clone() });
        }
    }

    fn setting(&mut self, at: At, field: &str, given: Given) -> Option<Setting> {
        let path = match given {
            Given::Text(text) | Given::Json(serde_json::Value::String(text)) => {
                return Some(Setting::Text(text));
            }
            Given::Json(value) => return Some(Setting::Json(value)),
            Given::File(path) => path,
        };
        let digest = if let Some(digest) = self.digests.get(&path) {
            *digest
        } else {
            let digest = (self.digest)(&path)
                .map_err(|why| {
                    let what = say!("cannot read {what}: {why}", what = path.display().to_string(), why);
                    self.problems.add(Problem::new(at, what).column(field));
                })
                .ok();
            self.digests.insert(path.clone(), digest);
            digest
        };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        digest.map(|sha256| Setting::File { sha256, name, path })
    }
}

/// Assigns every item's id.
fn name(known: &mut [Known], unique: bool, problems: &mut Problems, notes: &mut Problems) {
    let prefixes = prefixes(known);
    // The first row of each fingerprint, and the number of its runs with a derived id.
    let mut equal: HashMap<Digest, (At, u32)> = HashMap::new();
    let mut ids: HashMap<ItemId, At> = HashMap::with_capacity(known.len());
    for Known { at, item, own_id, .. } in known {
        let (first, runs) = equal.entry(item.fingerprint).or_insert((*at, 0));
        if *first != *at && item.repeat == 1 {
            let what = match *first {
                At::Row(row) => say!("it equals row {row}", row),
                At::Line(line) => say!("it equals line {line}", line),
                At::Source => say!("it equals another row"),
            };
            let problem = Problem::new(*at, what);
            if unique {
                problems.add(problem.cure(say!("delete one of them")));
            } else {
                notes.add(
                    problem.cure(say!("it runs again; to run a row several times, set its repeat count")),
                );
            }
        }
        let base = if let Some(own) = own_id {
            own.clone()
        } else {
            *runs += 1;
            item.repeat = *runs;
            let long = prefixes.contains(&item.fingerprint);
            prefix(&item.fingerprint, if long { LONG_ID_DIGITS } else { ID_DIGITS })
        };
        item.id = if item.repeat == 1 { base.into() } else { format!("{base}-{}", item.repeat).into() };
        if let Some(other) = ids.insert(item.id.clone(), *at) {
            let id = &item.id;
            let what = match other {
                At::Row(row) => say!("row {row} has the id `{id}` too", id, row),
                At::Line(line) => say!("line {line} has the id `{id}` too", id, line),
                At::Source => say!("the id `{id}` is used twice", id),
            };
            let cure = say!("ids must be unique; a row without one gets an id derived from its values");
            problems.add(Problem::new(*at, what).column("_id").cure(cure));
        }
    }
}

/// The fingerprints that need a long id, because an earlier one starts with the same digits.
fn prefixes(known: &[Known]) -> HashSet<Digest> {
    let mut sorted: Vec<Digest> = known.iter().map(|known| known.item.fingerprint).collect();
    sorted.sort_unstable();
    sorted.dedup();
    let begin = |digest: &Digest| number(digest) >> (64 - 4 * ID_DIGITS);
    let longer = |pair: &[Digest]| match pair {
        [a, b] if begin(a) == begin(b) => Some(*b),
        _ => None,
    };
    sorted.windows(2).filter_map(longer).collect()
}

/// The folder of an item's results.
fn folder(out: Option<&str>, item: &Item) -> Result<String, Problem> {
    let id = || template::as_part(item.id.as_str());
    let Some(out) = out else { return Ok(id()) };
    let value = |name: &str| match name {
        "id" => Some(id()),
        "row" => Some(item.row.to_string()),
        field => item.set.get(field).map(|setting| template::as_part(&setting.shown())),
    };
    let filled = template::fill(out, &value).map_err(|unknown| {
        let names = ["id", "row"].into_iter().chain(item.set.iter().map(|(field, _)| &**field));
        let what = say!("`{{{name}}}` is neither `id`, `row` nor a field that is set", name = &unknown);
        Problem::source(what).cure(did_you_mean(&unknown, names))
    })?;
    let parts: Vec<&str> = filled.split(['/', '\\']).filter(|part| !part.is_empty()).collect();
    let leaves =
        |part: &&str| matches!(*part, "." | "..") || part.contains(':') || part.contains(char::is_control);
    if filled.starts_with(['/', '\\']) || parts.is_empty() || parts.iter().any(leaves) {
        let what = say!("`{out}` is not inside the results folder", out);
        return Err(Problem::source(what).cure(say!("write a relative path such as cats/{{id}}")));
    }
    Ok(parts.join("/"))
}
