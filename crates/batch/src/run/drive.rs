//! The loop: what happens goes into the schedule, and what it decides is done.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::Arc,
    time::Duration,
};

use runninghub::{
    BatchItem, Destination, Error, ErrorKind, Finished, SavedTask, Verdict,
    ledger::{AttemptId, Entry, Escrow, Filter, ItemRef, Ledger, State},
    sentence_of,
};
use runninghub_core::{Charge, Failure, Outcome, Sentence, TaskId, say};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

use super::{
    fault::{Refusal, class_of_failure, of_failure},
    job::{Job, Told},
    lock::Lock,
    news::{News, Over},
    start::{Begin, Key, Setup, costs, group},
};
use crate::{
    Amount, Decision, Event, Fault, Item, ItemId, ItemState, Limits, Paused, Schedule, Standing, Tally,
    Waiting, Work,
};

/// How often the ledger is read for what others have written: that a submit is resolved, or that the batch is halted.
const LOOK: Duration = Duration::from_secs(2);
/// The pause before a task that can't be watched is followed again.
const FOLLOW_AGAIN: Duration = Duration::from_secs(30);
/// How long a batch that is left waits for submits that are being sent.
const LEAVE: Duration = Duration::from_millis(800);
/// Tasks of the same target whose costs count.
const PAST: usize = 200;

/// A batch that runs. It works only while [`BatchRun::next`] is awaited, except for rows that run: dropping it stops all of
/// its work and leaves their tasks running.
pub struct BatchRun {
    setup: Setup,
    ledger: Arc<dyn Ledger>,
    schedule: Schedule,
    rows: HashMap<ItemId, Row>,
    jobs: JoinSet<()>,
    tell: mpsc::UnboundedSender<(ItemId, Told)>,
    told: mpsc::UnboundedReceiver<(ItemId, Told)>,
    /// Set to true to take back rows that wait for a slot.
    withdraw: watch::Sender<bool>,
    news: VecDeque<News>,
    paused: Option<Paused>,
    started: Instant,
    /// When the ledger is read next for what others have written.
    look: Instant,
    /// Tasks to follow again, and when.
    again: Vec<(Instant, ItemId, TaskId)>,
    _lock: Lock,
}

/// A row of the batch.
struct Row {
    item: Arc<Item>,
    key: Arc<str>,
    attempt: Option<AttemptId>,
    task: Option<TaskId>,
    stage: Stage,
}

/// Where the job of a row is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    /// There is none.
    Idle,
    /// It waits for a slot, or is being prepared.
    Waiting,
    /// Its submit is being sent.
    Sending,
    /// Its task is followed, or its files are downloaded.
    Running,
    /// It is unknown whether it has a task.
    Unknown,
}

impl BatchRun {
    /// Opens a batch. `items` are all rows of the batch that this run does something with.
    ///
    /// # Errors
    /// If another process runs the batch, and when the ledger cannot be read.
    pub async fn open(setup: Setup, items: impl IntoIterator<Item = (Item, Begin)>) -> Result<Self, Error> {
        let lock = Lock::take(setup.workspace.dir(), &setup.batch)?;
        let cannot = |error: runninghub::ledger::Error| {
            Error::new(ErrorKind::Io, say!("the batch cannot be read")).with_source(error)
        };
        let ledger = setup.workspace.ledger().map_err(cannot)?;
        let spent = ledger.spending(&setup.batch).await.map_err(cannot)?.spent;
        let limits = Limits { spent, ..setup.limits };
        let mut schedule = Schedule::new(setup.keys.iter().map(|key| key.name.clone()), limits);
        let (tell, told) = mpsc::unbounded_channel();
        // From after the lock: another process may have run rows since the caller has looked.
        let known = ledger.items(&setup.batch).await.map_err(cannot)?;
        let known: HashMap<String, Entry> =
            known.into_iter().filter_map(|known| Some((known.item.id, known.entry?))).collect();
        let items: Vec<(Item, Begin)> = items
            .into_iter()
            .filter_map(|(item, begin)| {
                let begin = begin.now(known.get(item.id.as_str()))?;
                Some((item, begin))
            })
            // Without a folder there is nothing to download.
            .filter(|(_, begin)| setup.folder.is_some() || !matches!(begin, Begin::Fetch { .. }))
            .collect();
        if let Some((item, _)) = items.first() {
            let past = Filter::all().runs(&item.target.kind, &*item.target.id).limit(PAST);
            let mut entries = ledger.entries(past).await.map_err(cannot)?;
            entries.retain(|entry| entry.intent.place == item.target.place);
            schedule.history("", costs(&entries));
        }
        let now = Instant::now();
        let mut run = Self {
            setup,
            ledger,
            schedule,
            rows: HashMap::with_capacity(items.len()),
            jobs: JoinSet::new(),
            tell,
            told,
            withdraw: watch::Sender::new(false),
            news: VecDeque::new(),
            paused: None,
            started: now,
            look: now,
            again: Vec::new(),
            _lock: lock,
        };
        for (item, begin) in items {
            let entry = known.get(item.id.as_str());
            run.add(item, begin, entry);
        }
        Ok(run)
    }

    /// Adds a row, with the submit that says where it stands.
    fn add(&mut self, item: Item, begin: Begin, entry: Option<&Entry>) {
        let entry = entry.filter(|_| !matches!(begin, Begin::Run));
        let Some(key) = Key::of(&self.setup.keys, &item, entry).map(|key| key.name.clone()) else { return };
        let standing = match &begin {
            Begin::Run => Some(Standing::Ready),
            Begin::Adopt { .. } => Some(Standing::Running),
            Begin::Hold { .. } => Some(Standing::Unknown),
            Begin::Fetch { .. } => None,
        };
        let (id, item) = (item.id.clone(), Arc::new(item));
        if let Some(standing) = standing {
            self.schedule.add(Work {
                key: match begin {
                    Begin::Run => item.profile.as_deref().map(Into::into),
                    _ => Some(key.clone()),
                },
                priority: item.priority,
                standing,
                ..Work::new(id.as_str(), group(&item))
            });
        }
        let (stage, attempt) = match &begin {
            Begin::Run => (Stage::Idle, None),
            Begin::Adopt { attempt, .. } | Begin::Fetch { attempt, .. } => {
                (Stage::Running, Some(attempt.clone()))
            }
            Begin::Hold { attempt } => (Stage::Unknown, Some(attempt.clone())),
        };
        let row = Row { item, key, attempt, task: None, stage };
        self.rows.insert(id.clone(), row);
        match begin {
            Begin::Adopt { task, .. } => self.follow(&id, task),
            Begin::Fetch { task, .. } => {
                if let Some(job) = self.job(&id) {
                    self.jobs.spawn(job.fetch(task));
                }
            }
            Begin::Run | Begin::Hold { .. } => {}
        }
    }

    /// What happens next; `None` when nothing runs any more, and nothing can start.
    pub async fn next(&mut self) -> Option<News> {
        loop {
            if let Some(news) = self.news.pop_front() {
                return Some(news);
            }
            let decision = self.start_rows().await;
            if !self.news.is_empty() {
                continue;
            }
            let (until, can_go_on) = match decision {
                Decision::Wait { why: Waiting::Unknown, until } => {
                    // No slot becomes free for rows that wait for one.
                    let _ = self.withdraw.send(true);
                    (until, false)
                }
                Decision::Wait { until, .. } => (until, true),
                _ => (None, false),
            };
            self.follow_again();
            if !can_go_on && self.is_idle() {
                if self.resolve().await {
                    continue;
                }
                return None;
            }
            let wake = until.map(|until| self.started + until);
            let again = self.again.iter().map(|(at, ..)| *at).min();
            let wake = [wake, again].into_iter().flatten().fold(self.look, Instant::min);
            tokio::select! {
                Some((id, told)) = self.told.recv() => self.take(&id, told),
                () = sleep_until(wake) => {}
            }
            while let Some(_done) = self.jobs.try_join_next() {}
            if Instant::now() >= self.look {
                self.look = Instant::now() + self.setup.wait(LOOK);
                self.look().await;
            }
        }
    }

    /// How many rows stand where, and the money.
    pub fn tally(&self) -> Tally {
        self.schedule.tally()
    }

    /// Why it starts nothing more, if that is so.
    pub fn paused(&self) -> Option<&Paused> {
        self.paused.as_ref()
    }

    /// Starts nothing more. Rows that wait for a slot are taken back, and those that run are followed to their end.
    /// [`Ledger::halt_batch`] does the same from another process.
    pub fn pause(&mut self) {
        self.schedule.on(self.now(), Event::Pause);
    }

    /// Goes on, whatever the reason of the pause.
    pub fn resume(&mut self) {
        self.schedule.on(self.now(), Event::Resume);
        self.paused = None;
    }

    /// Ends its work within a second. Tasks go on, and can be followed by another run of the batch. A submit whose response
    /// doesn't come in time is of unknown outcome.
    pub async fn detach(mut self) {
        self.pause();
        let _ = self.withdraw.send(true);
        let sent = async {
            while self.rows.values().any(|row| row.stage == Stage::Sending) {
                match self.told.recv().await {
                    Some((id, told)) => self.take(&id, told),
                    None => break,
                }
            }
        };
        let _ = timeout(LEAVE, sent).await;
        self.jobs.shutdown().await;
    }

    /// Whether no row has a job.
    fn is_idle(&self) -> bool {
        let is_idle = |row: &Row| matches!(row.stage, Stage::Idle | Stage::Unknown);
        self.again.is_empty() && self.rows.values().all(is_idle)
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Starts what the schedule says, and returns what it says then.
    async fn start_rows(&mut self) -> Decision {
        loop {
            let decision = self.schedule.next(self.now());
            match decision {
                // Another process may have halted it a moment ago.
                Decision::Start { .. } if self.is_halted().await => self.pause(),
                Decision::Start { item, key, reserve, is_blind } => {
                    self.start(&item, &key, (!is_blind).then_some(reserve));
                }
                Decision::Pause { ref why } => {
                    if self.paused.as_ref() != Some(why) {
                        self.paused = Some(why.clone());
                        self.news.push_back(News::Paused(why.clone()));
                        let _ = self.withdraw.send(true);
                    }
                    return decision;
                }
                decision => return decision,
            }
        }
    }

    /// Prepares the submit of a row, and lets it wait for a slot.
    fn start(&mut self, id: &ItemId, key: &Arc<str>, reserve: Option<Amount>) {
        self.schedule.on(self.now(), Event::Started { item: id.clone(), key: key.clone() });
        let Some(row) = self.rows.get_mut(id) else { return };
        (row.key, row.stage) = (key.clone(), Stage::Waiting);
        (row.attempt, row.task) = (None, None);
        let Some(Key { queue, .. }) = self.setup.keys.iter().find(|known| known.name == *key) else { return };
        let escrow = self.setup.limits.max_cost.map(|max| Escrow::new(reserve, max));
        let of = BatchItem::new(ItemRef::new(&*self.setup.batch, id.as_str()), queue).escrow(escrow);
        if *self.withdraw.borrow() {
            self.withdraw = watch::Sender::new(false);
        }
        let (submit, withdrawn) = ((self.setup.submit)(), self.withdraw.subscribe());
        if let Some(job) = self.job(id) {
            self.jobs.spawn(job.run(submit, of, withdrawn));
        }
    }

    fn job(&self, id: &ItemId) -> Option<Job> {
        let row = self.rows.get(id)?;
        let key = self.setup.keys.iter().find(|key| key.name == row.key)?;
        let destination = self.setup.folder.as_ref().map(|folder| {
            let destination = Destination::folder(folder.join(&row.item.out));
            match &self.setup.template {
                Some(template) => destination.template(template),
                None => destination,
            }
        });
        Some(Job {
            item: Arc::clone(&row.item),
            base: Arc::clone(&self.setup.base),
            workspace: self.setup.workspace.clone(),
            service: Arc::clone(&key.service),
            destination,
            tell: self.tell.clone(),
        })
    }

    /// Follows the task of a row.
    fn follow(&mut self, id: &ItemId, task: TaskId) {
        if let Some(row) = self.rows.get_mut(id) {
            (row.stage, row.task) = (Stage::Running, Some(task.clone()));
        }
        if let Some(job) = self.job(id) {
            self.jobs.spawn(job.adopt(task));
        }
    }

    fn follow_again(&mut self) {
        let now = Instant::now();
        let (due, later): (Vec<_>, Vec<_>) = self.again.drain(..).partition(|(at, ..)| *at <= now);
        self.again = later;
        for (_, id, task) in due {
            self.follow(&id, task);
        }
    }

    /// Something happened to a row.
    fn take(&mut self, id: &ItemId, told: Told) {
        let now = self.now();
        let Some(row) = self.rows.get_mut(id) else { return };
        let item = id.clone();
        match told {
            Told::Sending => {
                row.stage = Stage::Sending;
                self.schedule.on(now, Event::Sent { item: item.clone() });
                self.news.push_back(News::Sending(item));
            }
            Told::Waiting { slots, wait, is_throttled } => {
                if is_throttled {
                    self.schedule.on(now, Event::Throttled { key: row.key.clone() });
                }
                if slots.is_some_and(|slots| slots.limit.is_some_and(|limit| slots.unknown >= limit)) {
                    self.schedule.on(now, Event::Stuck { key: row.key.clone() });
                    let message = say!("submits of unknown outcome hold all slots of the key");
                    self.news.push_back(News::Warning { item: None, code: "slots", message });
                }
                if row.stage == Stage::Sending {
                    row.stage = Stage::Waiting;
                    self.schedule.on(now, Event::Waits { item: item.clone() });
                }
                self.news.push_back(News::Slots { item, slots, wait });
            }
            Told::Warning { code, message } => {
                self.news.push_back(News::Warning { item: Some(item), code, message });
            }
            Told::Accepted(handle) => {
                row.stage = Stage::Running;
                row.attempt = handle.snapshot().attempt.or(row.attempt.take());
                row.task = Some(handle.id());
                self.schedule.on(now, Event::Accepted { item: item.clone() });
                self.news.push_back(News::Accepted { item, handle });
            }
            Told::Line(line) => self.news.push_back(News::Line { item, line }),
            Told::Finished(Finished::Ended { outcome, saved }) => self.ended(id, *outcome, saved),
            Told::Finished(Finished::Lost(error)) => self.lost(id, &error),
            Told::Finished(_) => row.stage = Stage::Idle,
            Told::Failed(error) if row.stage == Stage::Running => self.lost(id, &error),
            Told::Failed(error) => self.refused(id, &error),
            Told::Fetched(saved) => self.fetched(id, saved),
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
        over.failure.clone_from(&outcome.failure);
        over.outcome = Some(outcome);
        self.over(now, event, over);
    }

    /// A row is over, unless it starts again.
    fn over(&mut self, now: Duration, event: Event, over: Over) {
        let before = self.schedule.tally();
        self.schedule.on(now, event);
        let after = self.schedule.tally();
        // A fault of the platform or of the key: it is ready again.
        if over.state != ItemState::Cancelled && over.state != ItemState::Done && after.ready > before.ready {
            let why = over.why.unwrap_or_else(|| say!("the task failed"));
            self.news.push_back(News::Retry { item: over.item, why });
        } else {
            self.news.push_back(News::Over(Box::new(over)));
        }
    }

    /// The submit of a row made no task, or it is unknown whether it did.
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

    /// Reads what others have written.
    async fn look(&mut self) {
        if self.is_halted().await {
            self.pause();
        }
        self.resolve().await;
    }

    async fn is_halted(&self) -> bool {
        // What can't be read now can be read later.
        self.ledger.is_halted(&self.setup.batch).await.is_ok_and(|is_halted| is_halted)
    }

    /// Reads whether submits of unknown outcome are resolved: by a webhook, or by the user. Returns whether any is.
    async fn resolve(&mut self) -> bool {
        let unknown = self.rows.iter().filter(|(_, row)| row.stage == Stage::Unknown);
        let unknown: Vec<_> = unknown.map(|(id, row)| (id.clone(), row.attempt.clone())).collect();
        let mut is_any = false;
        for (id, attempt) in unknown {
            let Some(attempt) = attempt else { continue };
            // What can't be read now can be read later.
            if let Ok(entry) = self.ledger.entry(Filter::all().attempt(attempt.as_str())).await {
                is_any |= self.settled(&id, &entry);
            }
        }
        is_any
    }

    /// The submit of a row was of unknown outcome. Returns whether it no longer is.
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

/// The amount of a charge.
fn amount(charge: &Charge) -> Option<Amount> {
    let Charge { coins, money, third_party_money, .. } = charge.clone();
    runninghub::Cost { coins, money, third_party_money, seconds: None }.amount()
}

/// An error as it is published.
fn published(error: &Error) -> Failure {
    let failure = Failure {
        message: Some(sentence_of(error).to_string().into()),
        code: error.code().map(ToString::to_string),
        hint: error.hint().cloned(),
        errors: error.node_errors().to_vec(),
        ..Failure::default()
    };
    failure.classed(error.failure_kind(), false)
}

/// Why a task failed.
fn words(outcome: &Outcome) -> Sentence {
    let Some(failure) = &outcome.failure else { return say!("the task failed") };
    let node = failure
        .node
        .as_ref()
        .map(ToString::to_string)
        .or_else(|| failure.node_id.as_ref().map(ToString::to_string));
    let what = failure.message.as_ref().or(failure.exception_type.as_ref()).map(ToString::to_string);
    match (node, what) {
        (Some(node), Some(what)) => say!("node {node}: {what}", node, what),
        (Some(node), None) => say!("node {node} failed", node),
        (None, Some(what)) => Sentence::verbatim(what),
        (None, None) => say!("the task failed"),
    }
}

impl fmt::Debug for BatchRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchRun").field("batch", &self.setup.batch).finish_non_exhaustive()
    }
}
