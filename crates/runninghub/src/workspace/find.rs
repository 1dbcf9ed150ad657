//! Finds the task that the user means.

use runninghub_core::{TaskId, is_platform_id, is_task_id, is_uuid};
use runninghub_ledger::{Entry, Error, Filter, State};

use super::Workspace;

/// The match for a user's text.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Found {
    /// A task, with its submit if it was made on this machine.
    Task {
        /// The task.
        task: TaskId,
        /// The submit.
        entry: Option<Box<Entry>>,
        /// A later submit of unknown outcome, if the last task was requested.
        newer: Option<Box<Entry>>,
    },
    /// A submit that may have created a task.
    Unknown(Box<Entry>),
    /// A submit without a task.
    NoTask(Box<Entry>),
    /// The last task was requested, but there is none yet.
    Nothing,
    /// Neither a task id nor a submit.
    NotFound,
}

impl Workspace {
    /// The task for `last`, for the name of a submit, or for a task id: a number, a UUID on a ComfyUI, or another id that
    /// is in the ledger.
    ///
    /// # Errors
    /// When the ledger cannot be read, unless the text is a task id.
    pub async fn find(&self, text: &str) -> Result<Found, Error> {
        if is_platform_id(text) || is_uuid(text) {
            return Ok(self.task(text.into()).await);
        }
        let ledger = self.ledger_to_read()?;
        let is_last = text == "last";
        let filter = if is_last { Filter::all().limit(1) } else { Filter::all().attempt(text) };
        let newest = ledger.entries(filter.clone()).await?.into_iter().next();
        let found = if is_last {
            ledger.entries(filter.with_task()).await?.into_iter().next()
        } else {
            newest.clone()
        };
        let unknown = newest.filter(|entry| entry.state == State::Unknown).map(Box::new);
        Ok(match (found, unknown) {
            (Some(Entry { task: None, .. }), Some(unknown)) => Found::Unknown(unknown),
            (Some(entry), unknown) => match entry.task.clone() {
                Some(task) => {
                    let newer = unknown.filter(|newer| newer.attempt != entry.attempt);
                    Found::Task { task, entry: Some(Box::new(entry)), newer }
                }
                None => Found::NoTask(Box::new(entry)),
            },
            (None, _) if is_last => Found::Nothing,
            (None, _) if is_task_id(text) => match self.task(text.into()).await {
                found @ Found::Task { entry: Some(_), .. } => found,
                _ => Found::NotFound,
            },
            (None, _) => Found::NotFound,
        })
    }

    /// A task by its id. The ledger's data is optional.
    pub async fn task(&self, task: TaskId) -> Found {
        let entry = match self.ledger_to_read() {
            Ok(ledger) => ledger.entry(Filter::all().task(&task)).await.ok().map(Box::new),
            Err(_) => None,
        };
        Found::Task { task, entry, newer: None }
    }
}
