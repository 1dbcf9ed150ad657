//! The state that commands share, and how a command ends.

use std::{
    fmt::Write as _,
    fs,
    path::PathBuf,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use etcetera::BaseStrategy as _;
use runninghub::{
    Charge, Event as RunEvent, Fact, Failure, FailureKind, Found as Lookup, Line, NetOptions, Outcome,
    Output, Place, PreviewFolder, Run, Sentence, Service, Site, TaskId, Transfer, Verdict, WorkflowId,
    Workspace, answer, is_platform_id, is_uuid, ledger::Entry, say,
};

use super::service::{Found, check_place};
use crate::{
    args::{Format, Global, Paging, Server},
    bug,
    event::Event,
    exit::{Error, Exit},
    lang,
    printer::Printer,
    report::{self, Reporter, text},
    secrets, shell,
    signals::{Signal, Signals, suspend},
    target,
    transfers::Transfers,
    window, writer,
};

/// The state of a command.
pub(super) struct Context {
    pub(crate) global: Global,
    pub(super) format: Format,
    pub(super) printer: Printer,
    pub(super) reporter: Box<dyn Reporter>,
    pub(super) clock: Clock,
    /// The content of `result`, collected during the run.
    pub(super) outcome: Outcome,
    /// Whether to notify at the end of a run.
    pub(super) notifies: bool,
    /// Hints to print at the very end.
    pub(super) advice: Vec<Sentence>,
    /// Whether the command has created a task.
    has_created: bool,
    /// Whether `result` was reported already.
    pub(super) is_reported: bool,
    /// A signal that was handled before the command finished. The process ends by it, whatever the result is.
    pub(super) handled_signal: Option<Signal>,
    /// The error in the profile, for `doctor`.
    pub(super) trouble: Option<Error>,
    /// Files being transferred.
    pub(super) transfers: Transfers,
    /// All services in use.
    pub(super) services: Vec<Arc<dyn Service>>,
    pub(super) previews: Option<PreviewFolder>,
    /// The recording of this run in the state folder.
    pub(super) recording: Option<PathBuf>,
    /// Saved files that are not results.
    pub(super) kept: Vec<Output>,
    /// `None` if the system has no folder for records.
    workspace: Option<Workspace>,
}

/// The time since the start, on the clock of the run that is shown.
#[derive(Clone, Copy, Debug)]
pub(super) enum Clock {
    /// The wall clock.
    Wall(Instant),
    /// The recording's clock, and its speed between two events.
    Tape {
        /// The time of the last event shown.
        at: Duration,
        /// When that event was shown.
        since: Instant,
        /// 0 while the recording does not wait.
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
        let workspace = state_dir(global.state_dir.clone()).map(Workspace::open);
        Self {
            global,
            format,
            printer,
            reporter: report::reporter(format, printer),
            clock: Clock::Wall(Instant::now()),
            outcome: Outcome::default(),
            notifies: false,
            advice: Vec::new(),
            has_created: false,
            is_reported: false,
            handled_signal: None,
            trouble: None,
            transfers: Transfers::new(),
            services: Vec::new(),
            previews: None,
            recording: None,
            kept: Vec::new(),
            workspace,
        }
    }

    /// The network options from the command line.
    pub(super) fn net(&self) -> NetOptions {
        let global = &self.global;
        let mut net = NetOptions::default()
            .allow_private_hosts(global.allow_private_hosts)
            .on_file_progress(self.transfers.watcher());
        secrets::learn_proxies();
        if let Some(proxy) = &global.proxy {
            secrets::learn_address(proxy.expose());
            net = net.proxy(proxy.expose());
        }
        if let Some(path) = &global.ca_file {
            net = net.ca_file(path);
        }
        if let Some(bytes) = global.max_file_size {
            net = net.max_file_size(bytes);
        }
        net
    }

    /// Listens for signals. From here on Ctrl-C no longer ends the process by itself, so nothing may block on a
    /// reader.
    pub(super) fn signals(&self) -> Result<Signals, Error> {
        writer::begin();
        Signals::new(self.format == Format::Human)
            .map_err(|why| Error::new(Exit::Store, say!("cannot listen for signals: {why}", why)))
    }

    /// The folder for this machine's records.
    ///
    /// # Errors
    /// If there is no such folder.
    pub(super) fn workspace(&self) -> Result<&Workspace, Error> {
        self.workspace.as_ref().ok_or_else(|| {
            Error::new(Exit::Store, say!("there is no home folder for the ledger"))
                .hint(say!("choose a folder with `--state-dir PATH`"))
        })
    }

    /// Finds a task by its id or by the name of its submit, or takes the last one; with its ledger entry.
    pub(super) async fn task(&mut self, text: &str) -> Result<Found, Error> {
        let text = target::copied(text);
        let is_prompt = text != "last" && (self.global.server.is_some() || is_uuid(text));
        let named = if is_prompt {
            target::prompt_id(text).map(Some)?
        } else {
            is_platform_id(text).then(|| text.into())
        };
        let found = match (named, &self.workspace) {
            (Some(task), Some(workspace)) => workspace.task(task).await,
            (Some(task), None) => return self.reachable(Found { task, entry: None }),
            (None, _) => self.workspace()?.find(text).await?,
        };
        match found {
            Lookup::Task { task, entry, newer } => {
                if let Some(newer) = newer {
                    let attempt = &newer.attempt;
                    let message = say!(
                        "the outcome of a later submit, {attempt}, is unknown; see `rhub tasks`",
                        attempt
                    );
                    self.warn("unknown", message);
                }
                self.reachable(Found { task, entry })
            }
            Lookup::Unknown(entry) => {
                let attempt = &entry.attempt;
                let message = say!("it is unknown whether submit {attempt} created a task", attempt);
                Err(Error::new(Exit::SubmitUnknown, message).hint(say!(
                    "`rhub tasks` shows more; `rhub resolve {attempt} --task-id ID` settles it",
                    attempt
                )))
            }
            Lookup::NoTask(entry) => {
                Err(Error::usage(say!("submit {attempt} has no task", attempt = &entry.attempt))
                    .hint(say!("`rhub tasks` shows its outcome")))
            }
            Lookup::Nothing => {
                Err(none_yet().hint(say!("give the task's id, a number such as `1904154698679771137`")))
            }
            _ => target::task_id(text).map(|task| Found { task, entry: None }),
        }
    }

    /// The submit of a task, by its id or the name of its submit, or the last one.
    pub(super) async fn entry(&mut self, text: &str) -> Result<Entry, Error> {
        let text = target::copied(text);
        let found = match self.workspace()?.find(text).await? {
            Lookup::Task { entry, .. } => entry,
            Lookup::Unknown(entry) | Lookup::NoTask(entry) => Some(entry),
            Lookup::Nothing => return Err(none_yet()),
            _ => None,
        };
        let entry = found.ok_or_else(|| {
            Error::usage(say!("`{text}` was not submitted from this machine", text))
                .hint(say!("`rhub tasks` lists what was"))
        })?;
        check_place(&entry.intent.place)?;
        Ok(*entry)
    }

    /// A task, and its recording in the state folder.
    pub(super) async fn recorded(&self, text: &str) -> Result<(TaskId, PathBuf), Error> {
        let workspace = self.workspace()?;
        let task = match workspace.find(target::copied(text)).await? {
            Lookup::Task { task, .. } => task,
            Lookup::Nothing => return Err(none_yet()),
            Lookup::Unknown(entry) | Lookup::NoTask(entry) => {
                return Err(Error::usage(say!("submit {attempt} has no task", attempt = &entry.attempt)));
            }
            _ => {
                return Err(Error::usage(say!("`{text}` is neither a task nor a recording", text))
                    .hint(say!("`rhub tasks` lists the tasks; a recording is a folder or a `.jsonl` file")));
            }
        };
        let recording = workspace.recordings().find(&task).ok_or_else(|| {
            Error::usage(say!("there is no recording of task {task}", task = &task)).hint(say!(
                "rhub keeps those of the latest 100 runs for 30 days; `--record DIR` keeps one permanently"
            ))
        })?;
        Ok((task, recording))
    }

    /// Checks that the options or the ledger say where the task is.
    fn reachable(&self, found: Found) -> Result<Found, Error> {
        if self.global.server.is_some() {
            return Ok(found);
        }
        if let Some(entry) = &found.entry {
            check_place(&entry.intent.place)?;
        }
        if found.settings().server.is_none() && is_uuid(found.task.as_str()) {
            return Err(Error::usage(say!("this is a prompt id of a ComfyUI server"))
                .hint(say!("give the server, as in `--server http://127.0.0.1:8188`")));
        }
        Ok(found)
    }

    /// The site from the options, or else from the page, or else the default.
    pub(super) fn site(&self, of_page: Option<Site>) -> Result<Site, Error> {
        match (self.global.site, of_page) {
            (Some(site), Some(page)) if site != page && self.global.base_url.is_none() => {
                let (site, page) = (site.as_str(), page.as_str());
                Err(Error::usage(say!("this page belongs to the site `{page}`, not to `{site}`", page, site))
                    .hint(say!("use `--site {page}` with a key of that site", page)))
            }
            (site, page) => Ok(site.or(page).unwrap_or_default()),
        }
    }

    /// A command line that reaches the same service, without the key. It is meant to be copied.
    pub(super) fn command(&self, words: &[&str], place: &Place) -> String {
        let mut command = "rhub".to_owned();
        for word in words {
            let _ = write!(command, " {}", shell::word(word));
        }
        let server = Server::of(place);
        if let Some(server) = self.global.server.as_ref().or(server.as_ref()) {
            let _ = write!(command, " --server {}", shell::word(&server.to_string()));
        }
        match (&self.global.base_url, place) {
            (Some(url), _) => {
                let _ = write!(command, " --base-url {}", shell::word(url));
            }
            (None, Place::RunningHub { site, .. }) if *site != Site::default() => {
                let _ = write!(command, " --site {site}");
            }
            _ => {}
        }
        command
    }

    /// Shows an event, with the id of the current task if there is one.
    pub(super) fn show(&mut self, event: impl Into<Event>) {
        self.show_of(self.outcome.task_id.clone(), event.into());
    }

    /// Shows an event about a task.
    pub(super) fn show_of(&mut self, task_id: Option<TaskId>, event: Event) {
        self.reporter.show(&Line { t: self.clock.now(), task_id, event });
    }

    /// Shows an event of a run, and keeps the facts for `result`.
    pub(super) fn event(&mut self, mut event: RunEvent) {
        if let RunEvent::Finished(end) = &mut event {
            self.cure(end.failure.as_mut());
        }
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

    /// Adds a suggested fix to the failure of a task.
    pub(super) fn cure(&self, failure: Option<&mut Failure>) {
        let place = self.services.last().map(|service| service.place());
        if let Some(failure) = failure {
            failure.hint = failure.hint.take().or_else(|| text::cure(failure, place));
        }
    }

    /// Reports an accepted task; all later events are about it.
    pub(super) fn submitted(&mut self, run: &Run, place: &Place) {
        self.outcome.task_id = Some(run.task_id().clone());
        self.has_created = true;
        bug::has(run.task_id());
        self.show(RunEvent::Submitted(run.submitted(place)));
    }

    /// Waits for `work` and reports file progress meanwhile. A signal becomes an error that says so.
    pub(super) async fn with_files<T>(&mut self, work: impl IntoFuture<Output = T>) -> Result<T, Error> {
        let mut signals = self.signals()?;
        let done = self.watch_files(&mut signals, work).await;
        done.map_err(|signal| {
            Error::new(Exit::from(signal), say!("stopped while a file was still being transferred"))
        })
    }

    /// Waits for `work` and reports file progress meanwhile, until a signal arrives.
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
                    Signal::Suspend => self.suspend(),
                    Signal::Resize => self.reporter.tick(self.clock.now()),
                    signal => return Err(signal),
                },
                done = &mut work => {
                    // Drain the last updates, so that none appears later.
                    while let Some(transfer) = self.transfers.ready() {
                        self.transfer(transfer);
                    }
                    return Ok(done);
                }
                transfer = self.transfers.next() => self.transfer(transfer),
            }
        }
    }

    /// Reports the progress of a file.
    pub(super) fn transfer(&mut self, transfer: Transfer) {
        self.show(RunEvent::Transfer(transfer));
    }

    /// The cost of a task, if it was requested.
    pub(super) fn cost(&self, cost: runninghub::Cost) -> Charge {
        Charge::new(cost, self.services.last().and_then(|service| answer::currency(service.place())))
    }

    /// Lets the shell stop the process, with the terminal in order.
    pub(super) fn suspend(&mut self) {
        self.reporter.release();
        suspend();
    }

    /// Reports a warning in the output format.
    pub(super) fn warn(&mut self, code: &'static str, message: Sentence) {
        self.show(Event::Notice { code, message });
    }

    /// Names the subject of the lines below; JSON lines name their task themselves.
    pub(super) fn heading(&mut self, name: impl Into<Fact>) {
        // A line may be the same as one above.
        self.reporter = report::reporter(self.format, self.printer);
        if self.format != Format::Json && !self.printer.is_quiet() {
            self.printer.say(&say!("{name}:", name = name.into()));
        }
    }

    /// Reports a warning about one of several tasks.
    pub(super) fn warn_of(&mut self, task: &TaskId, code: &'static str, message: Sentence) {
        let message = Sentence::chain([Sentence::verbatim(task.as_str()), message]);
        self.show_of(Some(task.clone()), Event::Notice { code, message });
    }

    /// Hints at how to see the rest of a list.
    pub(super) fn more(&mut self, has_next: bool, paging: &Paging) {
        if has_next {
            let page = paging.page.saturating_add(1);
            self.advice.push(say!("there are more: `--page {page}`", page));
        }
    }

    /// Reports `result`, and the error if there is one.
    pub(super) fn end(&mut self, result: Result<Exit, Error>) -> Exit {
        let (exit, error) = match result {
            Ok(exit) => (exit, None),
            Err(error) => (error.exit, Some(self.with_variable(error))),
        };
        if let Some(error) = &error {
            self.outcome.status = match exit {
                Exit::SubmitUnknown => Verdict::Unknown,
                Exit::TaskFailed => Verdict::Failed,
                Exit::StillRunning => Verdict::Running,
                _ => Verdict::Error,
            };
            let known = self.outcome.failure.take().unwrap_or_default();
            let failure = Failure {
                message: Some(error.message.to_string().into()),
                code: known.code.clone().or_else(|| error.code.as_ref().map(ToString::to_string)),
                hint: error.hint.as_deref().cloned(),
                errors: error.nodes.to_vec(),
                ..known
            };
            self.outcome.failure = Some(failure.classed(error.kind, self.has_created));
            self.outcome.attempt_id = self.outcome.attempt_id.take().or_else(|| error.attempt.clone());
        }
        // A command that only queries has no separate verdict.
        if exit == Exit::Done && self.outcome.status == Verdict::default() {
            self.outcome.status = Verdict::Success;
        }
        // The last of several signals decides.
        let exit = self.handled_signal.filter(|_| exit.signal().is_none()).map_or(exit, Exit::from);
        self.report(exit);
        if let Some(error) = &error {
            self.printer.error(error);
        }
        self.print_advice();
        exit
    }

    /// The error, with the variable that it is about.
    pub(super) fn with_variable(&self, error: Error) -> Error {
        match error.option.and_then(|option| self.global.variable(option)) {
            Some(variable) => {
                error.and_hint(say!("the value comes from the environment variable `{variable}`", variable))
            }
            None => error,
        }
    }

    /// Prints the hints, each once.
    fn print_advice(&mut self) {
        let advice = std::mem::take(&mut self.advice);
        for (at, one) in advice.iter().enumerate() {
            if !advice.iter().take(at).any(|before| before == one) {
                self.printer.hint(one);
            }
        }
    }

    /// Reports the result of a run, and begins the next one.
    pub(super) fn next_run(&mut self) {
        self.report(Exit::Done);
        self.print_advice();
        self.reporter = report::reporter(self.format, self.printer);
        self.clock = Clock::Wall(Instant::now());
        self.outcome = Outcome::default();
        self.services.clear();
        self.recording = None;
        (self.is_reported, self.has_created) = (false, false);
    }

    /// Reports `result`, once.
    pub(super) fn report(&mut self, exit: Exit) {
        if std::mem::replace(&mut self.is_reported, true) {
            return;
        }
        self.finish_previews();
        let why = self.services.iter().find_map(|service| service.recording_failure());
        if let Some(dir) = self.recording.take_if(|_| {
            // A submit that was refused is not a run.
            self.outcome.task_id.is_none() && self.outcome.attempt_id.is_none()
        }) {
            let _ = fs::remove_dir_all(dir);
        }
        // The recording in the state folder is optional.
        if let Some(why) = why.filter(|_| self.recording.is_none()) {
            self.warn("recording", say!("the recording is incomplete: {why}", why));
        }
        self.outcome.outputs.append(&mut self.kept);
        if let Some(failure) = self.outcome.failure.take_if(|failure| failure.kind.is_none()) {
            self.outcome.failure = Some(failure.classed(FailureKind::Task, self.has_created));
        }
        self.outcome.exit_code = exit.code();
        bug::is_reported();
        self.outcome.elapsed = self.clock.now();
        self.outcome.api_calls = self.services.iter().map(|service| service.api_calls()).sum();
        self.show(RunEvent::Result(Box::new(self.outcome.clone())));
        let news = match self.outcome.status {
            Verdict::Success => Some(say!("Task completed")),
            Verdict::Failed => Some(say!("Task failed")),
            Verdict::Cancelled => Some(say!("Task cancelled")),
            _ => None,
        };
        if let Some(news) = news.filter(|_| self.notifies) {
            window::notify(&lang::word(&news));
        }
    }
}

/// `last` was requested, but there is no task.
fn none_yet() -> Error {
    Error::usage(say!("no task has been submitted from this machine yet"))
}

/// The folder for this machine's records: the given one, or else the system's default.
pub(crate) fn state_dir(named: Option<PathBuf>) -> Option<PathBuf> {
    named.or_else(|| {
        let dirs = etcetera::choose_base_strategy().ok()?;
        // On Windows data roams between machines, and the ledger must not.
        let local = || if cfg!(windows) { dirs.cache_dir() } else { dirs.data_dir() };
        Some(dirs.state_dir().unwrap_or_else(local).join("rhub"))
    })
}

/// The commands to watch a task again and to cancel it; complete lines, to be copied.
pub(super) fn ways_back(
    context: &Context,
    place: &Place,
    task: &TaskId,
    workflow: Option<&WorkflowId>,
) -> Sentence {
    let task = task.as_str();
    let watch = match workflow {
        Some(workflow) => context.command(&["watch", task, "--workflow", workflow.as_str()], place),
        None => context.command(&["watch", task], place),
    };
    let cancel = context.command(&["cancel", task], place);
    say!("the task keeps running; follow it or cancel it with\n  {watch}\n  {cancel}", watch, cancel)
}
