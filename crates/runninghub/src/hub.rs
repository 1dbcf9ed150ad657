//! The handle to a site, and how it is set up.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use runninghub_api::{Account, ApiKey, Client, FileProgress, QueueStatus, Site};
use runninghub_core::{Known, Observation, Pace, Place, Priors, TaskId, TaskStatus, WorkflowId};
use runninghub_ledger::{Entry, Filter, Ledger};
use runninghub_transport::{Connect, LiveOptions, ProxyChoice};
use tokio::time::{Instant, sleep};

use crate::{
    Backend, Error, Follow, History, Intermediates, Run, Save, Service, Submit, Workflow,
    book::{Book, accepted_ago},
    cancel::Cancels,
    history::Lesson,
    live::live,
    platform::{Family, Platform, is_unknown},
    record::Recorder,
    submit::Gate,
};

/// A site and a key: where tasks are submitted and followed. Cheap to clone.
#[derive(Clone)]
pub struct RunningHub(pub(crate) Arc<Hub>);

pub(crate) struct Hub {
    pub(crate) client: Client,
    pub(crate) connect: Arc<dyn Connect>,
    pub(crate) recorder: Option<Arc<Recorder>>,
    pub(crate) pace: Pace,
    pub(crate) time_scale: f64,
    pub(crate) previews: bool,
    pub(crate) site: Site,
    pub(crate) place: Place,
    pub(crate) gate: Arc<Gate>,
    pub(crate) book: Option<Book>,
    pub(crate) cancels: Arc<Cancels>,
    pub(crate) history: Option<History>,
    pub(crate) priors: Priors,
}

/// Sets up a [`RunningHub`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct Builder {
    key: ApiKey,
    site: Site,
    base_url: Option<String>,
    time_scale: f64,
    create_timeout: Option<Duration>,
    allow_private_hosts: bool,
    previews: bool,
    record: Option<PathBuf>,
    proxy: Option<String>,
    ledger: Option<Arc<dyn Ledger>>,
    connect: Option<Arc<dyn Connect>>,
    ca_file: Option<PathBuf>,
    max_file_size: Option<u64>,
    uploads: Option<PathBuf>,
    history: Option<History>,
    priors: Priors,
    watcher: Option<Watcher>,
}

/// Is told how far files are.
pub(crate) type Watcher = Arc<dyn Fn(FileProgress<'_>) + Send + Sync>;

impl RunningHub {
    /// Begins to set up a handle for a key.
    pub fn builder(key: ApiKey) -> Builder {
        Builder {
            key,
            site: Site::default(),
            base_url: None,
            time_scale: 1.0,
            create_timeout: None,
            allow_private_hosts: false,
            previews: false,
            record: None,
            proxy: None,
            ledger: None,
            connect: None,
            ca_file: None,
            max_file_size: None,
            uploads: None,
            history: None,
            priors: Priors::default(),
            watcher: None,
        }
    }

    /// A handle for a key of the Chinese site.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(key: ApiKey) -> Result<Self, Error> {
        Self::builder(key).build()
    }

    /// A saved workflow: its nodes and fields.
    ///
    /// # Errors
    /// When the workflow does not exist, was never run on the web, or belongs to somebody else.
    pub async fn graph(&self, id: &WorkflowId) -> Result<Workflow, Error> {
        self.0.workflow(id).await
    }

    /// The account's balance, and the key's slots.
    ///
    /// # Errors
    /// When the key is refused, or there is no answer.
    pub async fn account(&self) -> Result<(Account, QueueStatus), Error> {
        let what = "cannot ask for the account";
        let account = self.0.client.account().await.map_err(|error| Error::api(what, error))?;
        let queue = self.0.client.queue_status().await.map_err(|error| Error::api(what, error))?;
        Ok((account, queue))
    }

    /// The API itself, for what has no method here. What it makes is not in the ledger.
    pub fn api(&self) -> &Client {
        &self.0.client
    }

    pub(crate) fn book(&self) -> Result<&Book, Error> {
        self.0.book.as_ref().ok_or_else(|| Error::usage("there is no ledger"))
    }

    /// The site.
    pub fn site(&self) -> Site {
        self.0.site
    }
}

#[async_trait]
impl Service for RunningHub {
    fn place(&self) -> &Place {
        &self.0.place
    }

    async fn submit(&self, submit: Submit) -> Result<Run, Error> {
        self.submit_once(submit).await
    }

    async fn follow(&self, follow: Follow) -> Result<Run, Error> {
        self.follow_task(follow).await
    }

    /// One word, which costs less than the results do.
    async fn status(&self, task: &TaskId) -> Result<Observation, Error> {
        let ask = || async {
            let mut answer = self.0.client.status(task).await;
            if answer.as_ref().is_err_and(is_unknown)
                && let Ok(seen) = self.0.client.query(task).await
            {
                answer = Ok(seen.status);
            }
            match answer {
                Ok(status) => Ok(Observation::of(status)),
                Err(error) => {
                    let seen = self.0.cancels.excuse(task, is_unknown(&error)).await;
                    seen.map(|seen| Observation::of(seen.status))
                        .ok_or_else(|| Error::api("cannot ask for the task's status", error))
                }
            }
        };
        let seen = self.0.until_known(task, ask).await?;
        // One word does not say why, and a task that was cancelled fails like any other.
        if seen.status == TaskStatus::Failed && self.0.cancels.has(task).await {
            return Ok(Observation::of(self.outputs(task).await?.status));
        }
        Ok(seen)
    }

    async fn outputs(&self, task: &TaskId) -> Result<Observation, Error> {
        let platform = self.0.platform();
        self.0.until_known(task, || platform.results(task)).await
    }

    async fn cancel(&self, task: &TaskId) -> Result<(), Error> {
        self.0.cancels.send(&self.0.platform(), task).await
    }

    fn save(&self, task: &TaskId, dir: &Path) -> Save {
        let backend: Arc<dyn Backend> = Arc::new(self.0.platform());
        Save::new(self.0.client.clone(), backend, self.0.book.clone(), task.clone(), dir.to_owned())
    }

    fn intermediates(&self, task: &TaskId, dir: &Path) -> Option<Intermediates> {
        Some(self.keep_intermediates(task, dir))
    }

    async fn resolve(&self, attempt: &str, task: &TaskId) -> Result<Entry, Error> {
        let found = self.book()?.ledger().entry(Filter::all().attempt(attempt)).await;
        let entry = found.map_err(|error| Error::ledger("there is nothing to resolve", error))?;
        self.bind(entry, task).await
    }

    fn api_calls(&self) -> u64 {
        self.0.client.calls()
    }

    fn recording_failure(&self) -> Option<String> {
        self.0.recorder.as_ref()?.failure()
    }
}

impl fmt::Debug for RunningHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningHub").field("base_url", &self.0.client.base_url()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Addresses are not checked yet and may hold passwords.
        f.debug_struct("Builder").finish_non_exhaustive()
    }
}

impl Hub {
    /// For tasks of which nobody knows how they were made.
    pub(crate) fn platform(&self) -> Platform {
        self.backend(Family::Unknown)
    }

    pub(crate) fn backend(&self, family: Family) -> Platform {
        Platform::new(self.client.clone(), Arc::clone(&self.cancels), family)
    }

    /// Asks again while a task that was accepted here a moment ago is not known yet.
    async fn until_known<T, F: Future<Output = Result<T, Error>>>(
        &self,
        task: &TaskId,
        ask: impl Fn() -> F,
    ) -> Result<T, Error> {
        let mut answer = ask().await;
        let is_unknown = |answer: &Result<T, Error>| answer.as_ref().is_err_and(Error::is_unknown_task);
        if !is_unknown(&answer) {
            return answer;
        }
        let ours = match &self.book {
            Some(book) => book.find(task).await.ok().flatten(),
            None => None,
        };
        let Some(ago) = ours.and_then(|(entry, _)| accepted_ago(&entry)) else { return answer };
        let left = self.pace.grace.saturating_sub(ago);
        let until = Instant::now() + left;
        while is_unknown(&answer) && Instant::now() < until {
            sleep(self.pace.queue.first).await;
            answer = ask().await;
        }
        let known = if left.is_zero() { Known::Seen } else { Known::Accepted };
        if is_unknown(&answer) { answer.map_err(|error| error.of_task(known)) } else { answer }
    }

    /// What runs of a workflow on a type of instance have shown.
    pub(crate) fn lesson(&self, workflow: Option<&WorkflowId>, instance: &str) -> Option<Lesson> {
        let (history, workflow) = self.history.clone().zip(workflow.cloned())?;
        Some(Lesson { history, workflow, instance: instance.to_owned() })
    }

    pub(crate) async fn workflow(&self, id: &WorkflowId) -> Result<Workflow, Error> {
        let text =
            self.client.workflow(id).await.map_err(|error| Error::api("cannot get the workflow", error))?;
        Workflow::parse(text)
    }
}

impl Builder {
    /// The site that the key belongs to.
    pub fn site(mut self, site: Site) -> Self {
        self.site = site;
        self
    }

    /// Another address instead of the site's: a simulator, a gateway. Plain `http` only on this machine.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Multiplies every built-in wait (polling, back-off, pings): for tests and demos.
    pub fn time_scale(mut self, factor: f64) -> Self {
        self.time_scale = factor;
        self
    }

    /// How long a create may take. Giving up early makes outcomes unknown; the default is 120 s.
    pub fn create_timeout(mut self, timeout: Duration) -> Self {
        self.create_timeout = Some(timeout);
        self
    }

    /// Fetches results from private addresses too, and follows tasks there. They are refused otherwise, unless the API
    /// itself is on this machine.
    pub fn allow_private_hosts(mut self, allow: bool) -> Self {
        self.allow_private_hosts = allow;
        self
    }

    /// Longest result that is fetched, bytes; 32 GiB by default. A longer one is not saved, and leaves nothing behind.
    pub fn max_file_size(mut self, bytes: u64) -> Self {
        self.max_file_size = Some(bytes);
        self
    }

    /// Gives out preview pictures as events.
    pub fn previews(mut self, wanted: bool) -> Self {
        self.previews = wanted;
        self
    }

    /// A proxy for HTTP and the socket instead of the one that the environment names: `http://host:port` or
    /// `socks5://host:port`. `NO_PROXY` is heeded.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// Takes up how long nodes took in earlier runs of the same workflow, and keeps what each run shows when it ends.
    pub fn history(mut self, history: History) -> Self {
        self.history = Some(history);
        self
    }

    /// Another table of expected seconds than the built-in one.
    pub fn priors(mut self, priors: Priors) -> Self {
        self.priors = priors;
        self
    }

    /// Writes every submit down before it is sent, and what came of it. Without a ledger nothing outlives the process.
    pub fn ledger(mut self, ledger: Arc<dyn Ledger>) -> Self {
        self.ledger = Some(ledger);
        self
    }

    /// Opens sockets with this: through a tunnel, or in a test. It gets the URL that the platform names, and has to decide
    /// itself which hosts it trusts. A [recording](Self::record) keeps what comes through it.
    pub fn connect(mut self, connect: Arc<dyn Connect>) -> Self {
        self.connect = Some(connect);
        self
    }

    /// A file of certificates (PEM) to be trusted besides those of the system, for HTTP and the socket: for a gateway or a
    /// proxy that signs by itself.
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// A folder of one's own in which uploads are remembered by SHA-256: an equal file is not sent again for 12 h.
    pub fn uploads(mut self, dir: impl Into<PathBuf>) -> Self {
        self.uploads = Some(dir.into());
        self
    }

    /// Is told how far uploads and downloads are: when one begins, begins again, and with each piece of it. It has to be
    /// quick, since the piece waits.
    pub fn on_file_progress(mut self, watcher: impl Fn(FileProgress<'_>) + Send + Sync + 'static) -> Self {
        self.watcher = Some(Arc::new(watcher));
        self
    }

    /// Keeps a redacted recording of everything in an empty or new folder.
    pub fn record(mut self, dir: impl Into<PathBuf>) -> Self {
        self.record = Some(dir.into());
        self
    }

    /// The handle.
    ///
    /// # Errors
    /// When the address is not one, the HTTP client cannot be set up, or the folder for the recording cannot be used.
    pub fn build(self) -> Result<RunningHub, Error> {
        let recorder = match &self.record {
            Some(dir) => Some(Arc::new(Recorder::create(dir, &self.key)?)),
            None => None,
        };
        let key = self.key.clone();
        let mut client = Client::builder(self.key)
            .site(self.site)
            .time_scale(self.time_scale)
            .allow_private_hosts(self.allow_private_hosts);
        if let Some(url) = &self.base_url {
            client = client.base_url(url);
        }
        if let Some(timeout) = self.create_timeout {
            client = client.create_timeout(timeout);
        }
        if let Some(proxy) = &self.proxy {
            client = client.proxy(proxy);
            if let Some(recorder) = &recorder {
                recorder.address(proxy);
            }
        }
        if let Some(path) = &self.ca_file {
            client = client.ca_file(path);
        }
        if let Some(bytes) = self.max_file_size {
            client = client.max_file_size(bytes);
        }
        if let Some(dir) = self.uploads {
            client = client.uploads(dir);
        }
        if let Some(watcher) = self.watcher {
            client = client.on_file_progress(move |file| watcher(file));
        }
        if let Some(recorder) = &recorder {
            client = client.observer(Arc::clone(recorder) as _);
        }
        let client = client.build().map_err(|error| Error::api("cannot set up the client", error))?;
        let proxy = self.proxy.map_or(ProxyChoice::Environment, ProxyChoice::Url);
        let options = LiveOptions::default().scaled(self.time_scale).proxy(proxy);
        let live = || Arc::new(live(&client, options, self.allow_private_hosts)) as _;
        let mut connect = self.connect.unwrap_or_else(live);
        if let Some(recorder) = &recorder {
            connect = Arc::new(recorder.connect(connect));
        }
        let place = Place::RunningHub { site: self.site, base_url: client.base_url().to_owned() };
        let book = self.ledger.map(|ledger| Book::new(ledger, place.clone(), key.expose()));
        Ok(RunningHub(Arc::new(Hub {
            client,
            connect,
            recorder,
            pace: Pace::default().scaled(self.time_scale),
            time_scale: self.time_scale,
            previews: self.previews,
            site: self.site,
            place,
            gate: Arc::default(),
            cancels: Arc::new(Cancels::new(book.clone(), self.time_scale)),
            book,
            history: self.history,
            priors: self.priors,
        })))
    }
}
