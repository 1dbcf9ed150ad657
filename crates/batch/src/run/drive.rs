//! The loop: feeds events into the schedule and executes its decisions.

mod take;

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::Arc,
    time::Duration,
};

use runninghub::{
    BatchItem, Destination, Error, ErrorKind,
    ledger::{AttemptId, Entry, Escrow, Filter, ItemRef, Ledger},
};
use runninghub_core::{TaskId, say};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

use super::{
    job::{Job, Update},
    lock::Lock,
    news::News,
    start::{Begin, Key, Setup, costs, group},
};
use crate::{
    Amount, Decision, Event, Item, ItemId, Limits, Paused, Schedule, Standing, Tally, Waiting, Work,
};

/// How often the ledger is read for changes by other processes: a resolved submit, or a halted batch.
const LOOK: Duration = Duration::from_secs(2);
/// How long a detaching batch waits for submits that are being sent.
const LEAVE: Duration = Duration::from_millis(800);
/// Maximum number of earlier tasks of a target whose costs are used.
const PAST: usize = 200;

/// A running batch. It makes progress only while [`BatchRun::next`] is awaited, except for running rows. Dropping it
/// stops all its work and leaves the tasks running.
pub struct BatchRun {
    setup: Setup,
    ledger: Arc<dyn Ledger>,
    schedule: Schedule,
    rows: HashMap<ItemId, Row>,
    jobs: JoinSet<()>,
    update_sender: mpsc::UnboundedSender<(ItemId, Update)>,
    updates: mpsc::UnboundedReceiver<(ItemId, Update)>,
    /// Set to true to withdraw rows that wait for a slot.
    withdraw: watch::Sender<bool>,
    news: VecDeque<News>,
    paused: Option<Paused>,
    started: Instant,
    /// When the ledger is next read for changes by other processes.
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

/// The stage of a row's job.
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
    /// It may or may not have a task.
    Unknown,
}

impl BatchRun {
    /// Opens a batch. `items` are all rows of the batch that this run handles.
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
        let (update_sender, updates) = mpsc::unbounded_channel();
        // Read after locking: another process may have run rows since the caller's last read.
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
            update_sender,
            updates,
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

    /// Adds a row, with its deciding submit.
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

    /// The next event; `None` when nothing is running and nothing can start.
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
                    // No slot will become free for waiting rows.
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
                Some((id, update)) = self.updates.recv() => self.take(&id, update),
                () = sleep_until(wake) => {}
            }
            while let Some(_done) = self.jobs.try_join_next() {}
            if Instant::now() >= self.look {
                self.look = Instant::now() + self.setup.wait(LOOK);
                self.look().await;
            }
        }
    }

    /// The number of rows by state, and the money.
    pub fn tally(&self) -> Tally {
        self.schedule.tally()
    }

    /// Why it is paused, if it is.
    pub fn paused(&self) -> Option<&Paused> {
        self.paused.as_ref()
    }

    /// Pauses. Rows that wait for a slot are withdrawn, and running ones continue. [`Ledger::halt_batch`] does the same
    /// from another process.
    pub fn pause(&mut self) {
        self.schedule.on(self.now(), Event::Pause);
    }

    /// Resumes, whatever the reason for the pause.
    pub fn resume(&mut self) {
        self.schedule.on(self.now(), Event::Resume);
        self.paused = None;
    }

    /// Ends its work within a second. Tasks continue, and a later run of the batch can follow them. A submit whose
    /// response doesn't arrive in time has an unknown outcome.
    pub async fn detach(mut self) {
        self.pause();
        let _ = self.withdraw.send(true);
        // A waiting row may be sent before it is withdrawn.
        let may_be_sent = |row: &Row| matches!(row.stage, Stage::Waiting | Stage::Sending);
        let sent = async {
            while self.rows.values().any(may_be_sent) {
                match self.updates.recv().await {
                    Some((id, update)) => self.take(&id, update),
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

    /// Starts rows until the schedule decides otherwise, and returns that decision.
    async fn start_rows(&mut self) -> Decision {
        loop {
            let decision = self.schedule.next(self.now());
            match decision {
                // Another process may have just halted it.
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
            update_sender: self.update_sender.clone(),
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
}

impl fmt::Debug for BatchRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchRun").field("batch", &self.setup.batch).finish_non_exhaustive()
    }
}
