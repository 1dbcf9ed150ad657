//! Keeps the folder of a batch's results up to date while it runs.

use std::{
    collections::HashMap,
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use runninghub::{SavedFile, net::copy_file};
use runninghub_core::{Event, Fact, NodeState, Output, Sentence, TaskId, say};
use tokio::time::Instant;

use super::news::{News, Over};
use crate::{
    Error, Item, ItemError, ItemId, ItemState, NodeTime, Problem, Record, Repeat, ResultFile, Results,
};

/// Interval for writing the lists while rows end.
const SPACING: Duration = Duration::from_secs(2);

/// Writes the outcomes of rows into the folder of their batch.
#[derive(Debug)]
pub struct Keeper {
    batch: String,
    results: Results,
    items: HashMap<ItemId, Arc<Item>>,
    /// Whether the lists are out of date, and when they were written.
    is_changed: bool,
    written: Option<Instant>,
}

impl Keeper {
    /// Opens the folder of a batch with these rows.
    ///
    /// # Errors
    /// If the folder can't be written.
    pub fn new<'i>(
        batch: impl Into<String>,
        mut results: Results,
        items: impl IntoIterator<Item = &'i Item>,
    ) -> Result<Self, Error> {
        let items: Vec<Item> = items.into_iter().cloned().collect();
        results.expect(&items);
        results.write(now_ms())?;
        let items = items.into_iter().map(|item| (item.id.clone(), Arc::new(item))).collect();
        Ok(Self { batch: batch.into(), results, items, is_changed: false, written: None })
    }

    /// Handles an event. Returns the error if it could not be written; writing is retried.
    pub fn see(&mut self, news: &News) -> Option<Error> {
        match news {
            News::Sending(item) => {
                self.change(item, |record| record.timings.submitted_ms = Some(now_ms()));
                None
            }
            News::Accepted { item, handle } => {
                let seen = handle.snapshot();
                self.change(item, |record| {
                    record.state = ItemState::Running;
                    record.task_id = Some(seen.task.clone());
                    record.attempt_id = seen.attempt.as_ref().map(ToString::to_string);
                    record.error = None;
                    record.timings.slot = seen.slot;
                    record.timings.submitted_ms.get_or_insert_with(now_ms);
                });
                None
            }
            News::Line { item, line } => {
                self.line(item, &line.event);
                None
            }
            News::Unknown { item, attempt, why } => {
                self.change(item, |record| {
                    record.state = ItemState::Unknown;
                    record.attempt_id = attempt.as_ref().map(ToString::to_string);
                    record.error = Some(error(why, ""));
                });
                self.write_if_due()
            }
            News::Over(over) => self.over(over).or_else(|| self.write_if_due()),
            _ => None,
        }
    }

    /// Copies the results of an identical task.
    ///
    /// # Errors
    /// If a file can't be copied.
    pub fn reuse(&mut self, item: &ItemId, task: &TaskId, files: &[SavedFile]) -> Result<(), Error> {
        let folder = self.results.folder().to_owned();
        let Some(out) = self.items.get(item).map(|item| folder.join(&item.out)) else { return Ok(()) };
        let cannot = |path: &Path, error: &dyn std::error::Error| {
            let (file, why) = (Fact::of(path.display()), error.to_string());
            Error::from(Problem::source(say!("cannot write {file}: {why}", file, why)))
        };
        fs::create_dir_all(&out).map_err(|error| cannot(&out, &error))?;
        let mut taken = Vec::new();
        for file in files {
            let Some(name) = file.path.file_name() else { continue };
            let to = out.join(name);
            copy_file(&file.path, &to).map_err(|error| cannot(&to, &error))?;
            taken.extend(ResultFile::new(&folder, &to, file.bytes, file.sha256.clone()));
        }
        self.change(item, |record| {
            record.state = ItemState::Done;
            record.task_id = Some(task.clone());
            record.files = taken;
            record.timings.saved_ms = Some(now_ms());
        });
        Ok(())
    }

    /// Writes everything, at the end of a run.
    ///
    /// # Errors
    /// If the folder can't be written.
    pub fn finish(&mut self) -> Result<(), Error> {
        self.results.finish(now_ms())
    }

    /// The folder and its lists.
    pub fn results(&self) -> &Results {
        &self.results
    }

    /// Writes the lists, if they are out of date and not too recent.
    pub fn write_if_due(&mut self) -> Option<Error> {
        let is_due = self.written.is_none_or(|written| written.elapsed() >= SPACING);
        if !self.is_changed || !is_due {
            return None;
        }
        self.written = Some(Instant::now());
        self.is_changed = false;
        self.results.write(now_ms()).inspect_err(|_| self.is_changed = true).err()
    }

    fn line(&mut self, item: &ItemId, event: &Event) {
        match event {
            Event::Node { state: NodeState::Running, .. } => self.change(item, |record| {
                record.timings.started_ms.get_or_insert_with(now_ms);
            }),
            Event::Node { id, title, state: NodeState::Done | NodeState::Failed, elapsed: Some(elapsed) } => {
                let ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
                let started_ms = now_ms().saturating_sub(ms);
                let (id, title) = (id.as_str().to_owned(), title.raw().to_owned());
                self.change(item, |record| {
                    record.timings.started_ms.get_or_insert(started_ms);
                    record.timings.nodes.push(NodeTime {
                        id,
                        title,
                        started_ms,
                        seconds: elapsed.as_secs_f64(),
                    });
                });
            }
            Event::Finished(_) => self.change(item, |record| record.timings.ended_ms = Some(now_ms())),
            _ => {}
        }
    }

    fn over(&mut self, over: &Over) -> Option<Error> {
        let folder = self.results.folder().to_owned();
        let file = |output: &Output| {
            let path = output.path.as_ref()?;
            ResultFile::new(&folder, path.as_ref(), output.bytes?, output.sha256.clone()?)
        };
        let saved = over.saved.as_deref().and_then(|saved| saved.as_ref().ok());
        let fetched: Option<Vec<Output>> =
            saved.map(|saved| saved.results.iter().map(Output::from).collect());
        let outputs = over.outcome.as_ref().map(|outcome| &outcome.outputs).or(fetched.as_ref());
        let files: Option<Vec<ResultFile>> = outputs.map(|outputs| outputs.iter().filter_map(file).collect());
        let code = over.failure.as_ref().and_then(|failure| failure.code.clone());
        let class = over.class.as_deref().unwrap_or_default();
        self.change(&over.item, |record| {
            record.state = over.state;
            if let Some(outcome) = &over.outcome {
                record.cost.clone_from(&outcome.cost);
                record.timings.ended_ms.get_or_insert_with(now_ms);
            }
            if let Some(files) = files.filter(|files| !files.is_empty()) {
                record.files = files;
            }
            if over.saved.is_some() {
                record.timings.saved_ms = (!over.has_lost_files()).then(now_ms);
            }
            record.error = over.why.as_ref().map(|why| ItemError { code, ..error(why, class) });
        });
        let task = self.results.record(&over.item)?.task_id.clone();
        let item = self.items.get(&over.item).filter(|_| over.state == ItemState::Done)?;
        let repeat = Repeat::new(&self.batch, item, task.as_ref().map(TaskId::as_str));
        self.results.keep_repeat(&repeat).err()
    }

    fn change(&mut self, item: &ItemId, change: impl FnOnce(&mut Record)) {
        let known = self.results.record(item).cloned();
        let new = || self.items.get(item).map(|item| Record::new(item));
        if let Some(mut record) = known.or_else(new) {
            change(&mut record);
            self.results.put(record);
            self.is_changed = true;
        }
    }
}

fn error(why: &Sentence, class: &str) -> ItemError {
    ItemError { class: class.to_owned(), message: why.to_string(), code: None }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
