//! The folder of a batch's results.

use std::{
    collections::{HashMap, HashSet},
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use runninghub::net::{open_file, replace_file};
use runninghub_core::{Fact, say};
use serde_json::{Map, Value};

use super::{
    failed::Failed,
    record::Record,
    repeat::Repeat,
    sheet::contact_sheet,
    summary::{Head, Report},
};
use crate::{Error, Item, ItemId, Problem};

const REPORT: &str = "batch.json";
const ITEMS: &str = "items.jsonl";
const SHEET: &str = "index.html";
/// Maximum size of a list, bytes: about that of a million items.
const LONGEST: u64 = 1 << 30;

/// The folder of a batch's results, and its record of each item.
///
/// Every file is replaced atomically: a reader sees the old one or the new one. Items that the source no longer has
/// stay, after the others.
#[derive(Debug)]
pub struct Results {
    folder: PathBuf,
    head: Head,
    report: Option<Report>,
    /// The fields of `batch.json` when it was read.
    fields: Map<String, Value>,
    records: HashMap<ItemId, Record>,
    /// The items in the order of the source.
    order: Vec<ItemId>,
}

impl Results {
    /// Reads the folder. The folder need not exist.
    ///
    /// # Errors
    /// If the folder has the results of another batch, or can't be read.
    pub fn open(folder: impl Into<PathBuf>, head: Head) -> Result<Self, Error> {
        let folder = folder.into();
        let fields = match read(&folder.join(REPORT))? {
            Some(bytes) => serde_json::from_slice::<Map<String, Value>>(&bytes).ok(),
            None => Some(Map::new()),
        };
        let report = fields.clone().filter(|fields| !fields.is_empty()).map(Value::Object);
        let report = match (&fields, report.map(serde_json::from_value::<Report>)) {
            (Some(_), None) => None,
            (_, Some(Ok(report))) if report.is_known() && report.batch == head.batch => Some(report),
            (_, Some(Ok(report))) if report.is_known() => {
                let what = say!(
                    "the folder {folder} has the results of the batch `{batch}`",
                    folder = Fact::of(folder.display()),
                    batch = report.batch
                );
                return Err(Problem::source(what).cure(say!("use another folder for this batch")).into());
            }
            _ => {
                let file = Fact::of(folder.join(REPORT).display());
                let what = say!("the file {file} was not written by this program", file);
                return Err(Problem::source(what).cure(say!("move it away, or use another folder")).into());
            }
        };
        let fields = fields.unwrap_or_default();
        let mut results = Self { folder, head, report, fields, records: HashMap::new(), order: Vec::new() };
        let items = read(&results.folder.join(ITEMS))?.unwrap_or_default();
        // A line that can't be parsed was written by a newer version: only the ledger knows its item.
        let lines = items.split(|byte| *byte == b'\n');
        for record in lines.filter_map(|line| serde_json::from_slice::<Record>(line).ok()) {
            results.order.push(record.id.clone());
            results.records.insert(record.id.clone(), record);
        }
        Ok(results)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The record of an item, if the folder has one.
    pub fn record(&self, id: &ItemId) -> Option<&Record> {
        self.records.get(id)
    }

    /// All items, in the order of the source; removed ones are at the end.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.order.iter().filter_map(|id| self.records.get(id))
    }

    /// The content of `batch.json` when it was last read or written.
    pub fn report(&self) -> Option<&Report> {
        self.report.as_ref()
    }

    /// Adds the items of the source, in its order. An item with the same fingerprint keeps its record.
    pub fn expect(&mut self, items: &[Item]) {
        for item in items {
            let new = Record::new(item);
            match self.records.get_mut(&item.id) {
                Some(known) if known.fingerprint == item.fingerprint => {
                    (known.row, known.out, known.coordinates) = (new.row, new.out, new.coordinates);
                }
                _ => _ = self.records.insert(item.id.clone(), new),
            }
        }
        let mut order: Vec<ItemId> = items.iter().map(|item| item.id.clone()).collect();
        let known: HashSet<&ItemId> = items.iter().map(|item| &item.id).collect();
        order.extend(self.order.iter().filter(|id| !known.contains(id)).cloned());
        self.order = order;
    }

    /// Updates the record of an item. Nothing is written yet.
    pub fn put(&mut self, record: Record) {
        if !self.records.contains_key(&record.id) {
            self.order.push(record.id.clone());
        }
        self.records.insert(record.id.clone(), record);
    }

    /// Writes `items.jsonl` and `batch.json`: after each change, but not too often for the disk.
    ///
    /// # Errors
    /// If the folder can't be written.
    pub fn write(&mut self, now_ms: u64) -> Result<(), Error> {
        fs::create_dir_all(&self.folder).map_err(|error| cannot(&self.folder, &error))?;
        let mut lines = Vec::new();
        for record in self.records() {
            // Cannot fail: a record has only text, numbers and lists of them.
            serde_json::to_writer(&mut lines, record).map_err(|error| cannot(&self.folder, &error))?;
            lines.push(b'\n');
        }
        self.replace(ITEMS, &lines)?;
        let mut report = self.report.clone().unwrap_or_else(|| Report::new(&self.head, now_ms));
        report.update(&self.head, self.records(), now_ms);
        self.replace(REPORT, report.text(&self.fields).as_bytes())?;
        self.report = Some(report);
        Ok(())
    }

    /// Writes everything: what [`Results::write`] does, the failed rows, and the contact sheet. At the end of a run, and
    /// when it pauses.
    ///
    /// # Errors
    /// If the folder can't be written.
    pub fn finish(&mut self, now_ms: u64) -> Result<(), Error> {
        self.write(now_ms)?;
        let failed = Failed::of(self.records());
        for name in Failed::NAMES {
            let path = self.folder.join(name);
            if failed.as_ref().is_none_or(|failed| failed.name != name) && path.exists() {
                fs::remove_file(&path).map_err(|error| cannot(&path, &error))?;
            }
        }
        if let Some(failed) = failed {
            self.replace(failed.name, failed.text.as_bytes())?;
        }
        let sheet = contact_sheet(&self.head.batch, self.records());
        self.replace(SHEET, sheet.as_bytes())
    }

    /// Writes what an item ran next to its results, so that it can be repeated.
    ///
    /// # Errors
    /// If the folder can't be written.
    pub fn keep_repeat(&self, repeat: &Repeat) -> Result<PathBuf, Error> {
        let folder = self.folder.join(&repeat.out);
        fs::create_dir_all(&folder).map_err(|error| cannot(&folder, &error))?;
        let path = folder.join(repeat.file_name());
        replace_file(&path, repeat.text().as_bytes()).map_err(|error| cannot(&path, &error))?;
        Ok(path)
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.folder.join(name);
        replace_file(&path, bytes).map_err(|error| cannot(&path, &error))
    }
}

/// The content of a file, if it exists.
fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let mut bytes = Vec::new();
    match open_file(path).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes)) {
        Ok(_) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let (file, why) = (Fact::of(path.display()), error.to_string());
            Err(Problem::source(say!("cannot read {what}: {why}", what = file, why)).into())
        }
    }
}

fn cannot(path: &Path, error: &(dyn std::error::Error + 'static)) -> Error {
    let (file, why) = (Fact::of(path.display()), runninghub::sentence_of(error));
    let what = say!("cannot write {file}: {why}", file, why);
    Problem::source(what).cure(say!("use a writable folder on a disk with free space")).into()
}
