//! Feeds reports of jobs, and changes by other processes, into the schedule.

use std::{sync::Arc, time::Duration};

use runninghub::{
    Error, ErrorKind, Finished, SavedTask, Verdict,
    ledger::{Entry, Filter, State},
    sentence_of,
};
use runninghub_core::{Outcome, say};
use tokio::time::Instant;

use super::{
    super::{
        fault::{Refusal, amount, class_of_failure, of_failure, published, words},
        job::Update,
        news::{News, Over},
    },
    BatchRun, Stage,
};
use crate::{Event, Fault, ItemId, ItemState};

/// The pause before following a task again after a failure to watch it.
const FOLLOW_AGAIN: Duration = Duration::from_secs(30);

impl BatchRun {
    /// Handles a job's report.
    pub(super) fn take(&mut self, id: &ItemId, update: Update) {
        let now = self.now();
        let Some(row) = self.rows.get_mut(id) else { return };
        let item = id.clone();
        match update {
            Update::Sending => {
                row.stage = Stage::Sending;
                self.schedule.on(now, Event::Sent { item: item.clone() });
                self.news.push_back(News::Sending(item));
            }
            Update::Waiting { slots, wait, is_throttled } => {
                if is_throttled {
                    self.schedule.on(now, Event::Throttled { key: row.key.clone() });
                }
                if slots.is_some_and(|slots| slots.limit.is_some_and(|limit| slots.unknown >= limit)) {
                    self.schedule.on(now, Event::Stuck { key: row.key.clone() });
                    let message = say!("submits with an unknown outcome hold all slots of the key");
                    self.news.push_back(News::Warning { item: None, code: "slots", message });
                }
                if row.stage == Stage::Sending {
                    row.stage = Stage::Waiting;
                    self.schedule.on(now, Event::Waits { item: item.clone() });
                }
                self.news.push_back(News::Slots { item, slots, wait });
            }
            Update::Warning { code, message } => {
                self.news.push_back(News::Warning { item: Some(item), code, message });
            }
            Update::Accepted(handle) => {
                row.stage = Stage::Running;
                row.attempt = handle.snapshot().attempt.or(row.attempt.take());
                row.task = Some(handle.id());
                self.schedule.on(now, Event::Accepted { item: item.clone() });
                self.news.push_back(News::Accepted { item, handle });
            }
            Update::Line(line) => self.news.push_back(News::Line { item, line }),
            Update::Finished(Finished::Ended { outcome, saved }) => self.ended(id, *outcome, saved),
            Update::Finished(Finished::Lost(error)) => self.lost(id, &error),
            Update::Finished(_) => row.stage = Stage::Idle,
            Update::Failed(error) if row.stage == Stage::Running => self.lost(id, &error),
            Update::Failed(error) => self.refused(id, &error),
            Update::Fetched(saved) => self.fetched(id, saved),
        }
    }

    /// The task of a row is over.
    fn ended(&mut self, id: &ItemId, outcome: Outcome, saved: Option<Arc<Result<SavedTask, Error>>>) {
        let (now, item) = (self.now(), id.clone());
        let Some(row) = self.rows.get_mut(id) else { return };
        row.stage = Stage::Idle;
        let cost = outcome.cost.as_ref().and_then(amount);
        let mut over =
            Over { attempt: row.attempt.clone(), saved, ..Over::new(item.clone(), ItemState::Done) };
        let event = match outcome.status {
            Verdict::Success => Event::Ended { item, cost },
            Verdict::Cancelled | Verdict::Interrupted => {
                over.state = ItemState::Cancelled;
                Event::Cancelled { item, cost }
            }
            _ => {
                over.state = ItemState::Failed;
                let (fault, class) =
                    (of_failure(outcome.failure.as_ref()), class_of_failure(outcome.failure.as_ref()));
                over.why = Some(words(&outcome));
                over.class = Some(class.clone());
                Event::Failed { item, fault, class, cost }
            }
        };
        if over.state == ItemState::Done && over.saved.is_some() {
            self.schedule.on(now, Event::Saved { is_whole: !over.has_lost_files() });
        }
        over.failure.clone_from(&outcome.failure);
        over.outcome = Some(outcome);
        self.over(now, event, over);
    }

    /// A row is over, unless it is retried.
    fn over(&mut self, now: Duration, event: Event, over: Over) {
        let before = self.schedule.tally();
        self.schedule.on(now, event);
        let after = self.schedule.tally();
        // The platform or the key was at fault: it is ready again.
        if over.state != ItemState::Cancelled && over.state != ItemState::Done && after.ready > before.ready {
            let why = over.why.unwrap_or_else(|| say!("the task failed"));
            self.news.push_back(News::Retry { item: over.item, why });
        } else {
            self.news.push_back(News::Over(Box::new(over)));
        }
    }

    /// The submit of a row created no task, or perhaps one.
    fn refused(&mut self, id: &ItemId, error: &Error) {
        let (now, item) = (self.now(), id.clone());
        let Some(row) = self.rows.get_mut(id) else { return };
        if error.kind() == ErrorKind::SubmitUnknown {
            row.stage = Stage::Unknown;
            row.attempt = error.attempt().cloned();
            let (attempt, why) = (row.attempt.clone(), sentence_of(error));
            self.schedule.on(now, Event::Unknown { item: item.clone() });
            self.news.push_back(News::Unknown { item, attempt, why });
            return;
        }
        row.stage = Stage::Idle;
        match Refusal::of(error) {
            Refusal::Withdrawn => self.schedule.on(now, Event::Withdrawn { item }),
            Refusal::TooExpensive => self.schedule.on(now, Event::TooExpensive { item }),
            Refusal::Unreachable => {
                self.schedule.on(now, Event::Unreachable { item: item.clone() });
                let message = sentence_of(error);
                self.news.push_back(News::Warning { item: Some(item), code: "unreachable", message });
            }
            Refusal::Refused(Fault::Key, class) => {
                let key = row.key.clone();
                self.schedule.on(now, Event::Refused { item, fault: Fault::Key, class });
                self.news.push_back(News::Key { key, why: sentence_of(error), hint: error.hint().cloned() });
            }
            Refusal::Refused(fault, class) => {
                let over = Over {
                    why: Some(sentence_of(error)),
                    failure: Some(published(error)),
                    class: Some(class.clone()),
                    ..Over::new(item.clone(), ItemState::Refused)
                };
                self.over(now, Event::Refused { item, fault, class }, over);
            }
        }
    }

    /// The task of a row can't be watched.
    fn lost(&mut self, id: &ItemId, error: &Error) {
        let (now, item) = (self.now(), id.clone());
        let Some(row) = self.rows.get_mut(id) else { return };
        row.stage = Stage::Idle;
        if error.kind() == ErrorKind::TaskFailed || error.is_unknown_task() {
            let class: Arc<str> = "gone".into();
            let over = Over {
                attempt: row.attempt.clone(),
                why: Some(sentence_of(error)),
                failure: Some(published(error)),
                class: Some(class.clone()),
                ..Over::new(item.clone(), ItemState::Failed)
            };
            self.over(now, Event::Failed { item, fault: Fault::Row, class, cost: None }, over);
            return;
        }
        let task = row.task.clone();
        let message = sentence_of(error);
        self.news.push_back(News::Warning { item: Some(item.clone()), code: "lost", message });
        if let Some(task) = task {
            self.again.push((Instant::now() + self.setup.wait(FOLLOW_AGAIN), item, task));
        }
    }

    fn fetched(&mut self, id: &ItemId, saved: Result<SavedTask, Error>) {
        let Some(row) = self.rows.get_mut(id) else { return };
        row.stage = Stage::Idle;
        let over = Over {
            attempt: row.attempt.clone(),
            saved: Some(Arc::new(saved)),
            ..Over::new(id.clone(), ItemState::Done)
        };
        self.news.push_back(News::Over(Box::new(over)));
    }

    /// Reads changes by other processes.
    pub(super) async fn look(&mut self) {
        if self.is_halted().await {
            self.pause();
        }
        self.resolve().await;
    }

    pub(super) async fn is_halted(&self) -> bool {
        // Retried later if it can't be read now.
        self.ledger.is_halted(&self.setup.batch).await.is_ok_and(|is_halted| is_halted)
    }

    /// Checks whether unknown submits were resolved, by a webhook or the user. Returns whether any was.
    pub(super) async fn resolve(&mut self) -> bool {
        let unknown = self.rows.iter().filter(|(_, row)| row.stage == Stage::Unknown);
        let unknown: Vec<_> = unknown.map(|(id, row)| (id.clone(), row.attempt.clone())).collect();
        let mut is_any = false;
        for (id, attempt) in unknown {
            let Some(attempt) = attempt else { continue };
            // Retried later if it can't be read now.
            if let Ok(entry) = self.ledger.entry(Filter::all().attempt(attempt.as_str())).await {
                is_any |= self.settled(&id, &entry);
            }
        }
        is_any
    }

    /// Checks a row's unknown submit. Returns whether it was resolved.
    fn settled(&mut self, id: &ItemId, entry: &Entry) -> bool {
        let (now, item) = (self.now(), id.clone());
        match (entry.state, &entry.task) {
            (State::Unknown, _) => return false,
            (_, Some(task)) => {
                self.schedule.on(now, Event::Accepted { item });
                self.follow(id, task.clone());
            }
            _ => {
                if let Some(row) = self.rows.get_mut(id) {
                    row.stage = Stage::Idle;
                }
                self.schedule.on(now, Event::Absent { item });
            }
        }
        true
    }
}
