//! What every command has at hand, and how it ends.

use std::{
    fmt::Write as _,
    path::PathBuf,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use etcetera::BaseStrategy as _;
use runninghub::{
    Charge, Event as RunEvent, History, Line, Outcome, Output, Place, PreviewFolder, Run, Service, Site,
    Submitted, TaskId, Transfer, Untrusted, Verdict, WorkflowId, answer,
    ledger::{Entry, Filter, Ledger, SqliteLedger, State},
};

use super::{
    follow::interrupted,
    service::{Found, check_place},
};
use crate::{
    args::{Format, Global, Paging, Server},
    event::Event,
    exit::{Error, Exit},
    printer::Printer,
    report::{self, Reporter},
    signals::{Signal, Signals, suspend},
    target,
    transfers::Transfers,
    writer,
};

/// What a command works with.
pub(super) struct Context {
    pub(crate) global: Global,
    pub(super) format: Format,
    pub(super) printer: Printer,
    pub(super) reporter: Box<dyn Reporter>,
    pub(super) clock: Clock,
    /// What `result` will say; filled on the way.
    pub(super) outcome: Outcome,
    /// Advice for the very end.
    pub(super) advice: Vec<String>,
    /// `result` was said already.
    pub(super) is_told: bool,
    /// A signal that the command heeded before it was done: whatever it comes to, the process ends by it.
    pub(super) heeded: Option<Signal>,
    /// What is wrong with the profile, for `doctor`.
    pub(super) trouble: Option<Error>,
    /// Files on their way.
    pub(super) transfers: Transfers,
    /// All that was asked.
    pub(super) asked: Vec<Arc<dyn Service>>,
    pub(super) previews: Option<PreviewFolder>,
    /// What was saved and is no result.
    pub(super) kept: Vec<Output>,
    /// Opened when it is first needed.
    ledger: Option<Arc<dyn Ledger>>,
}

/// The time since the start, on the clock of what is shown.
#[derive(Clone, Copy, Debug)]
pub(super) enum Clock {
    /// Now.
    Wall(Instant),
    /// The recording's time, and how fast it goes on by itself.
    Tape {
        /// Shown by the last event.
        at: Duration,
        /// When that was.
        since: Instant,
        /// 0 where nothing is waited for.
        speed: f64,
    },
}

impl Clock {
    pub(super) fn now(self) -> Duration {
        match self {
            Self::Wall(start) => start.elapsed(),
            Self::Tape { at, since, speed } => at + since.elapsed().mul_f64(speed),
        }
    }
}

impl Context {
    pub(super) fn new(global: Global, format: Format, printer: Printer) -> Self {
        Self {
            global,
            format,
            printer,
            reporter: report::reporter(format, printer),
            clock: Clock::Wall(Instant::now()),
            outcome: Outcome::default(),
            advice: Vec::new(),
            is_told: false,
            heeded: None,
            trouble: None,
            transfers: Transfers::new(),
            asked: Vec::new(),
            previews: None,
            kept: Vec::new(),
            ledger: None,
        }
    }

    /// Listens for signals. From here on Ctrl-C ends nothing by itself, so nothing may wait for a reader.
    pub(super) fn signals(&self) -> Result<Signals, Error> {
        writer::begin();
        Signals::new(self.format == Format::Human)
            .map_err(|error| Error::new(Exit::Store, format!("cannot listen for signals: {error}")))
    }

    /// What earlier runs have shown, where this machine has a place for it.
    pub(super) fn history(&self) -> Option<History> {
        Some(History::new(self.state_dir()?.join("durations")))
    }

    /// What this machine has submitted.
    pub(super) fn ledger(&mut self) -> Result<Arc<dyn Ledger>, Error> {
        if let Some(ledger) = &self.ledger {
            return Ok(Arc::clone(ledger));
        }
        let Some(dir) = self.state_dir() else {
            return Err(Error::new(
                Exit::Store,
                "there is no place for the ledger, since there is no home folder",
            )
            .hint("name a folder with `--state-dir PATH`"));
        };
        let ledger: Arc<dyn Ledger> = Arc::new(SqliteLedger::open(&dir)?);
        self.ledger = Some(Arc::clone(&ledger));
        Ok(ledger)
    }

    /// What this machine has submitted, to look something up: also where nothing can be written down.
    pub(super) fn ledger_to_read(&mut self) -> Result<Arc<dyn Ledger>, Error> {
        self.ledger()
            .or_else(|error| Ok(Arc::new(SqliteLedger::open_to_read(&self.state_dir().ok_or(error)?)?)))
    }

    /// Where this machine keeps its records.
    pub(super) fn state_dir(&self) -> Option<PathBuf> {
        state_dir(self.global.state_dir.clone())
    }

    /// The task that is meant: by its id, by the name of its submit, or the last one; with what the ledger knows of it.
    pub(super) async fn task(&mut self, text: &str) -> Result<Found, Error> {
        let is_prompt = text != "last" && (self.global.server.is_some() || target::is_uuid(text));
        let named = if is_prompt { target::prompt_id(text).map(Some)? } else { target::task_id(text).ok() };
        if let Some(task) = named {
            // What the ledger knows is a help, not a condition.
            let entry = match self.ledger_to_read() {
                Ok(ledger) => ledger.entry(Filter::all().task(&task)).await.ok(),
                Err(_) => None,
            };
            return self.reachable(Found { task, entry });
        }
        let ledger = self.ledger_to_read()?;
        let is_last = text == "last";
        let filter = if is_last { Filter::all().limit(1) } else { Filter::all().attempt(text) };
        let newest = ledger.entries(filter.clone()).await?;
        let found = if is_last { ledger.entries(filter.with_task()).await? } else { newest.clone() };
        let unresolved = newest.first().filter(|entry| entry.state == State::Unknown);
        match (<[Entry; 1]>::try_from(found), unresolved) {
            (Ok([Entry { task: None, attempt, .. }]), Some(_)) => Err(Error::new(
                Exit::SubmitUnknown,
                format!("nobody knows whether the submit {attempt} has created a task"),
            )
            .hint(format!("`rhub tasks` tells more; `rhub resolve {attempt} --task-id ID` settles it"))),
            (Ok([entry]), unresolved) => {
                if let Some(newer) = unresolved.filter(|newer| newer.attempt != entry.attempt) {
                    let message =
                        format!("a later submit, {}, is of unknown outcome; see `rhub tasks`", newer.attempt);
                    self.warn("unknown", message);
                }
                match entry.task.clone() {
                    Some(task) => self.reachable(Found { task, entry: Some(entry) }),
                    None => Err(Error::usage(format!("the submit {} has no task", entry.attempt))
                        .hint("`rhub tasks` shows what became of it")),
                }
            }
            (Err(_), _) if is_last => Err(Error::usage("no task was submitted from this machine yet")
                .hint("name the task by its id, a number such as `1904154698679771137`")),
            (Err(_), _) => target::task_id(text).map(|task| Found { task, entry: None }),
        }
    }

    /// A task whose place the options name or the ledger knows.
    fn reachable(&self, found: Found) -> Result<Found, Error> {
        if self.global.server.is_some() {
            return Ok(found);
        }
        if let Some(entry) = &found.entry {
            check_place(&entry.intent.place)?;
        }
        if found.settings().server.is_none() && target::is_uuid(found.task.as_str()) {
            return Err(Error::usage("this is the id of a prompt on a ComfyUI")
                .hint("name the server, as in `--server http://127.0.0.1:8188`"));
        }
        Ok(found)
    }

    /// The site that was named, else the one of the page, else the default.
    pub(super) fn site(&self, of_page: Option<Site>) -> Result<Site, Error> {
        match (self.global.site, of_page) {
            (Some(site), Some(page)) if site != page && self.global.base_url.is_none() => {
                Err(Error::usage(format!("this page belongs to the site `{page}`, not to `{site}`"))
                    .hint(format!("use `--site {page}` with a key of that site")))
            }
            (site, page) => Ok(site.or(page).unwrap_or_default()),
        }
    }

    /// A command line that reaches the same place, without the key.
    pub(super) fn command(&self, words: &str, place: &Place) -> String {
        let mut command = format!("rhub {words}");
        let server = Server::of(place);
        if let Some(server) = self.global.server.as_ref().or(server.as_ref()) {
            let _ = write!(command, " --server {server}");
        }
        match (&self.global.base_url, place) {
            (Some(url), _) => {
                let _ = write!(command, " --base-url {}", Untrusted::from(url.as_str()));
            }
            (None, Place::RunningHub { site, .. }) if *site != Site::default() => {
                let _ = write!(command, " --site {site}");
            }
            _ => {}
        }
        command
    }

    /// Says something, about the task that this command is about where there is one.
    pub(super) fn show(&mut self, event: impl Into<Event>) {
        self.show_of(self.outcome.task_id.clone(), event.into());
    }

    fn show_of(&mut self, task_id: Option<TaskId>, event: Event) {
        self.reporter.show(&Line { t: self.clock.now(), task_id, event });
    }

    /// Shows an event of a run, and keeps what `result` will need.
    pub(super) fn event(&mut self, event: RunEvent) {
        match &event {
            RunEvent::Progress(progress) => {
                self.outcome.overall = progress.overall;
                self.outcome.done = progress.done;
                self.outcome.total = progress.total;
            }
            RunEvent::Finished(end) => {
                self.outcome.status = end.phase.into();
                self.outcome.outputs = end.outputs.iter().cloned().map(Output::from).collect();
                self.outcome.failure.clone_from(&end.failure);
                self.outcome.cost = end.cost.clone().map(|cost| self.cost(cost));
            }
            RunEvent::Preview { node_id, mime, data, .. } => self.preview(node_id.as_ref(), mime, data),
            _ => {}
        }
        self.show(event);
    }

    /// Says that a task was accepted; all that is said from here on is about it.
    pub(super) fn submitted(&mut self, run: &Run, site: &str) {
        self.outcome.task_id = Some(run.task_id().clone());
        self.show(RunEvent::Submitted(Submitted {
            task_id: run.task_id().clone(),
            attempt_id: run.attempt().map(ToString::to_string),
            workflow_id: run.workflow_id().cloned(),
            site: site.to_owned(),
        }));
    }

    /// Waits for something, and tells meanwhile how far files are. What somebody gives up is an error that says so.
    pub(super) async fn with_files<T>(&mut self, work: impl IntoFuture<Output = T>) -> Result<T, Error> {
        let mut signals = self.signals()?;
        let done = self.watch_files(&mut signals, work).await;
        done.map_err(|signal| Error::new(interrupted(signal), "given up while a file was on its way"))
    }

    /// Waits for something, and tells meanwhile how far files are, until somebody has had enough.
    pub(super) async fn watch_files<T>(
        &mut self,
        signals: &mut Signals,
        work: impl IntoFuture<Output = T>,
    ) -> Result<T, Signal> {
        let mut work = pin!(work.into_future());
        loop {
            tokio::select! {
                biased;
                signal = signals.next() => match signal {
                    Signal::Suspend => {
                        self.reporter.release();
                        suspend();
                    }
                    Signal::Resize => self.reporter.tick(self.clock.now()),
                    signal => return Err(signal),
                },
                done = &mut work => {
                    // What came last is not kept for later.
                    while let Some(transfer) = self.transfers.ready() {
                        self.transfer(transfer);
                    }
                    return Ok(done);
                }
                transfer = self.transfers.next() => self.transfer(transfer),
            }
        }
    }

    /// Tells how far a file is.
    pub(super) fn transfer(&mut self, transfer: Transfer) {
        self.show(RunEvent::Transfer(transfer));
    }

    /// What a task has cost, where it was asked for.
    pub(super) fn cost(&self, cost: runninghub::Cost) -> Charge {
        let hub = self.asked.iter().rev().find_map(|asked| match asked.place() {
            Place::RunningHub { base_url, .. } => Some(base_url.as_str()),
            _ => None,
        });
        Charge::new(cost, hub.and_then(answer::currency))
    }

    /// Warns in the format of the report.
    pub(super) fn warn(&mut self, code: &'static str, message: impl Into<Untrusted>) {
        self.show(Event::Notice { code, message: message.into() });
    }

    /// Warns about one of several tasks.
    pub(super) fn warn_of(&mut self, task: &TaskId, code: &'static str, message: &str) {
        let event = Event::Notice { code, message: format!("{task}: {message}").into() };
        self.show_of(Some(task.clone()), event);
    }

    /// Says how to see the rest of a list.
    pub(super) fn more(&mut self, has_next: bool, paging: &Paging) {
        if has_next {
            self.advice.push(format!("there are more: `--page {}`", paging.page.saturating_add(1)));
        }
    }

    /// Says `result`, and the error where there is one.
    pub(super) fn end(&mut self, result: Result<Exit, Error>) -> Exit {
        let (exit, error) = match result {
            Ok(exit) => (exit, None),
            Err(error) => (error.exit, Some(error)),
        };
        if let Some(error) = &error {
            self.outcome.status = match exit {
                Exit::SubmitUnknown => Verdict::Unknown,
                Exit::TaskFailed => Verdict::Failed,
                Exit::StillRunning => Verdict::Running,
                _ => Verdict::Error,
            };
            let failure = self.outcome.failure.get_or_insert_default();
            failure.message = Some(error.message.as_str().into());
            failure.code = failure.code.take().or_else(|| error.code.as_ref().map(ToString::to_string));
            self.outcome.attempt_id = self.outcome.attempt_id.take().or_else(|| error.attempt.clone());
        }
        // What an answer comes to.
        if exit == Exit::Done && self.outcome.status == Verdict::default() {
            self.outcome.status = Verdict::Success;
        }
        // Of several signals the last one counts.
        let exit = self.heeded.filter(|_| exit.signal().is_none()).map_or(exit, interrupted);
        self.tell(exit);
        if let Some(error) = &error {
            self.printer.error(error);
        }
        for advice in self.advice.drain(..) {
            self.printer.hint(&advice);
        }
        exit
    }

    /// Says `result`, once.
    pub(super) fn tell(&mut self, exit: Exit) {
        if std::mem::replace(&mut self.is_told, true) {
            return;
        }
        self.finish_previews();
        let why = self.asked.iter().find_map(|asked| asked.recording_failure());
        if let Some(why) = why {
            self.warn("recording", format!("the recording is incomplete: {why}"));
        }
        self.outcome.outputs.append(&mut self.kept);
        self.outcome.exit_code = exit.code();
        self.outcome.elapsed = self.clock.now();
        self.outcome.api_calls = self.asked.iter().map(|asked| asked.api_calls()).sum();
        self.show(RunEvent::Result(Box::new(self.outcome.clone())));
    }
}

/// Where this machine keeps its records: the folder that was named, else the system's own place for such things.
pub(crate) fn state_dir(named: Option<PathBuf>) -> Option<PathBuf> {
    named.or_else(|| {
        let dirs = etcetera::choose_base_strategy().ok()?;
        Some(dirs.state_dir().unwrap_or_else(|| dirs.data_dir()).join("rhub"))
    })
}

/// How to watch a task again, and how to cancel it; whole lines, to be copied.
pub(super) fn ways_back(
    context: &Context,
    place: &Place,
    task: &TaskId,
    workflow: Option<&WorkflowId>,
) -> String {
    let watch = match workflow {
        Some(workflow) => format!("watch {task} --workflow {workflow}"),
        None => format!("watch {task}"),
    };
    let watch = context.command(&watch, place);
    let cancel = context.command(&format!("cancel {task}"), place);
    format!("the task goes on; follow it or cancel it with\n  {watch}\n  {cancel}")
}
