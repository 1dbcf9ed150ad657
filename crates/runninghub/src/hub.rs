//! The handle to a site, and its builder.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use runninghub_api::{Account, ApiKey, Client, QueueStatus, Site};
use runninghub_core::{
    Known, Observation, Pace, Place, Priors, Sentence, TaskId, TaskStatus, WorkflowId, say,
};
use runninghub_ledger::{Entry, Filter, Ledger};
use runninghub_net::NetOptions;
use runninghub_transport::{Connect, LiveOptions};
use tokio::time::{Instant, sleep};

use crate::{
    Backend, Error, Follow, History, Intermediates, Run, Save, Service, Submit, Workflow, Workspace,
    attempts::{AttemptLog, accepted_ago},
    cancel::Cancels,
    history::Lesson,
    live::live,
    observed::is_unknown,
    platform::{Family, Platform},
    record::{Record, Recorder, recording},
    resolve,
    submit::{SubmitQueue, once},
};

/// A site and a key: submits and follows tasks. Cheap to clone.
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
    pub(crate) queue: Arc<SubmitQueue>,
    pub(crate) attempts: Option<AttemptLog>,
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
    net: NetOptions,
    previews: bool,
    record: Record,
    ledger: Option<Arc<dyn Ledger>>,
    connect: Option<Arc<dyn Connect>>,
    uploads: Option<PathBuf>,
    history: Option<History>,
    priors: Priors,
}

impl RunningHub {
    /// A builder of a handle for a key.
    pub fn builder(key: ApiKey) -> Builder {
        Builder {
            key,
            site: Site::default(),
            base_url: None,
            time_scale: 1.0,
            create_timeout: None,
            net: NetOptions::default(),
            previews: false,
            record: Record::default(),
            ledger: None,
            connect: None,
            uploads: None,
            history: None,
            priors: Priors::default(),
        }
    }

    /// A handle for a key of the Chinese site.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(key: ApiKey) -> Result<Self, Error> {
        Self::builder(key).build()
    }

    /// A handle with the key and the site from the environment ([`Builder::from_env`]).
    ///
    /// # Errors
    /// When no key is set, or the HTTP client cannot be set up.
    pub fn from_env() -> Result<Self, Error> {
        Builder::from_env()?.build()
    }

    /// Fetches a saved workflow: its nodes and fields.
    ///
    /// # Errors
    /// When the workflow does not exist, was never run on the web, or belongs to another account.
    pub async fn graph(&self, id: &WorkflowId) -> Result<Workflow, Error> {
        self.0.workflow(id).await
    }

    /// The account's balance, and the key's slots.
    ///
    /// # Errors
    /// When the key is refused, or there is no response.
    pub async fn account(&self) -> Result<(Account, QueueStatus), Error> {
        let failed = |error| Error::api(say!("cannot get the account"), error);
        let account = self.0.client.account().await.map_err(failed)?;
        let queue = self.0.client.queue_status().await.map_err(failed)?;
        Ok((account, queue))
    }

    /// The place of a site, or of another URL with the keys of that site, without a key.
    ///
    /// # Errors
    /// When the URL is invalid.
    pub fn place_of(site: Site, base_url: Option<&str>) -> Result<Place, Error> {
        let url = runninghub_api::base_url(base_url.unwrap_or(site.base_url()))
            .map_err(|error| Error::api(say!("cannot set up the client"), error))?;
        Ok(place(site, url.as_str()))
    }

    /// The API client, for endpoints without a method here. Tasks created with it are not in the ledger.
    pub fn api(&self) -> &Client {
        &self.0.client
    }

    pub(crate) fn attempts(&self) -> Result<&AttemptLog, Error> {
        self.0.attempts.as_ref().ok_or_else(|| Error::usage(say!("no ledger found")))
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
        once::submit(self, self.0.attempts.as_ref(), submit, |to, submit| to.submit_once(submit).boxed())
            .await
    }

    async fn follow(&self, follow: Follow) -> Result<Run, Error> {
        self.follow_task(follow).await
    }

    /// The status endpoint returns one word, and is cheaper than the results.
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
                        .ok_or_else(|| Error::api(say!("cannot get the task's status"), error))
                }
            }
        };
        let seen = self.0.until_known(task, ask).await?;
        // This endpoint has no word for a cancelled task.
        if seen.status == TaskStatus::Failed {
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
        Save::new(
            self.0.client.files().clone(),
            backend,
            self.0.attempts.clone(),
            task.clone(),
            dir.to_owned(),
        )
        .recorded(self.0.recorder.clone())
    }

    fn intermediates(&self, task: &TaskId, dir: &Path) -> Option<Intermediates> {
        Some(self.keep_intermediates(task, dir))
    }

    async fn resolve(&self, attempt: &str, task: &TaskId) -> Result<Entry, Error> {
        let found = self.attempts()?.ledger().entry(Filter::all().attempt(attempt)).await;
        let entry = found.map_err(|error| Error::ledger(say!("there is nothing to resolve"), error))?;
        self.bind(entry, task).await
    }

    async fn refresh(&self, entry: &Entry) -> Result<Entry, Error> {
        resolve::refresh(self, self.attempts()?, entry).await
    }

    fn api_calls(&self) -> u64 {
        self.0.client.calls()
    }

    fn recording_failure(&self) -> Option<Sentence> {
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
        // URLs are not checked yet and may contain passwords.
        f.debug_struct("Builder").finish_non_exhaustive()
    }
}

impl Hub {
    /// The backend for tasks of unknown origin.
    pub(crate) fn platform(&self) -> Platform {
        self.backend(Family::Unknown)
    }

    pub(crate) fn backend(&self, family: Family) -> Platform {
        Platform::new(self.client.clone(), Arc::clone(&self.cancels), family)
    }

    /// Retries while the platform doesn't know a just accepted task yet.
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
        let ours = match &self.attempts {
            Some(attempts) => attempts.find(task).await.ok().flatten(),
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

    /// The history of a workflow on an instance type.
    pub(crate) fn lesson(&self, workflow: Option<&WorkflowId>, instance: &str) -> Option<Lesson> {
        let (history, workflow) = self.history.clone().zip(workflow.cloned())?;
        Some(Lesson { history, workflow, instance: instance.to_owned() })
    }

    pub(crate) async fn workflow(&self, id: &WorkflowId) -> Result<Workflow, Error> {
        let text = self
            .client
            .workflow(id)
            .await
            .map_err(|error| Error::api(say!("cannot get the workflow"), error))?;
        Workflow::saved(&text)
    }
}

impl Builder {
    /// A builder with the settings of the environment: the key in `RUNNINGHUB_API_KEY`, and if they are set,
    /// the site in `RUNNINGHUB_SITE` (`cn` or `ai`) and another URL in `RUNNINGHUB_BASE_URL`.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) when no key is set, or a value is invalid.
    pub fn from_env() -> Result<Self, Error> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let key = variable("RUNNINGHUB_API_KEY").ok_or_else(|| {
            Error::usage(say!("no API key in the environment"))
                .with_hint(say!("set `RUNNINGHUB_API_KEY` to the key"))
        })?;
        let key = ApiKey::new(key.trim())
            .map_err(|error| Error::api(say!("`RUNNINGHUB_API_KEY` is not a key"), error))?;
        let mut builder = RunningHub::builder(key);
        if let Some(site) = variable("RUNNINGHUB_SITE") {
            builder = builder.site(site.trim().parse().map_err(|_| {
                Error::usage(say!("`RUNNINGHUB_SITE` is not a site"))
                    .with_hint(say!("the sites are `cn` and `ai`"))
            })?);
        }
        Ok(match variable("RUNNINGHUB_BASE_URL") {
            Some(url) => builder.base_url(url.trim()),
            None => builder,
        })
    }

    /// Keeps records in a workspace: every submit before it is sent and its outcome, how long nodes took, and
    /// the names of uploads.
    ///
    /// # Errors
    /// When the ledger cannot be opened.
    pub fn workspace(self, workspace: &Workspace) -> Result<Self, Error> {
        let ledger = workspace.ledger();
        let ledger = ledger.map_err(|error| Error::ledger(say!("the ledger cannot be opened"), error))?;
        Ok(self.ledger(ledger).history(workspace.history()).uploads(workspace.uploads()))
    }

    /// The site that the key belongs to.
    pub fn site(self, site: Site) -> Self {
        Self { site, ..self }
    }

    /// Uses this URL instead of the site's: a simulator, a gateway. Plain `http` is allowed on this machine
    /// only.
    pub fn base_url(self, url: impl Into<String>) -> Self {
        Self { base_url: Some(url.into()), ..self }
    }

    /// Multiplies every built-in wait (polling, backoff, pings): for tests and demos.
    pub fn time_scale(self, factor: f64) -> Self {
        Self { time_scale: factor, ..self }
    }

    /// Timeout of a create. A short timeout makes outcomes unknown; the default is 120 s.
    pub fn create_timeout(self, timeout: Duration) -> Self {
        Self { create_timeout: Some(timeout), ..self }
    }

    /// Network options for HTTP and the socket: proxy, certificates, limits, observers.
    pub fn net(self, options: NetOptions) -> Self {
        Self { net: options, ..self }
    }

    /// Emits preview images as events.
    pub fn previews(self, wanted: bool) -> Self {
        Self { previews: wanted, ..self }
    }

    /// Uses how long nodes took in earlier runs of the same workflow, and adds each run's durations when it
    /// ends.
    pub fn history(self, history: History) -> Self {
        Self { history: Some(history), ..self }
    }

    /// Replaces the built-in table of expected seconds.
    pub fn priors(self, priors: Priors) -> Self {
        Self { priors, ..self }
    }

    /// Records every submit before it is sent, and its outcome. Without a ledger nothing outlives the
    /// process.
    pub fn ledger(self, ledger: Arc<dyn Ledger>) -> Self {
        Self { ledger: Some(ledger), ..self }
    }

    /// Opens sockets with this: through a tunnel, or in a test. It gets the platform's URL, and has to decide
    /// itself which hosts it trusts. A [recording](Self::record) contains the messages that come through it.
    pub fn connect(self, connect: Arc<dyn Connect>) -> Self {
        Self { connect: Some(connect), ..self }
    }

    /// A dedicated folder that caches uploads by SHA-256: an identical file is not uploaded again for 12 h.
    pub fn uploads(self, dir: impl Into<PathBuf>) -> Self {
        Self { uploads: Some(dir.into()), ..self }
    }

    /// Writes a redacted recording of all traffic to an empty or new folder.
    pub fn record(self, dir: impl Into<PathBuf>) -> Self {
        Self { record: Record { dir: Some(dir.into()), ..self.record }, ..self }
    }

    /// Also records preview images, one a second. They are most of a recording's size.
    pub fn record_previews(self, wanted: bool) -> Self {
        Self { record: Record { previews: wanted, ..self.record }, ..self }
    }

    /// Builds the handle.
    ///
    /// # Errors
    /// When the URL is invalid, the HTTP client cannot be set up, or the folder for the recording cannot be
    /// used.
    pub fn build(self) -> Result<RunningHub, Error> {
        let (recorder, net) = recording(&self.record, Some(&self.key), self.net)?;
        let key = self.key.clone();
        let mut client = Client::builder(self.key).site(self.site).time_scale(self.time_scale).net(net);
        if let Some(url) = &self.base_url {
            client = client.base_url(url);
        }
        if let Some(timeout) = self.create_timeout {
            client = client.create_timeout(timeout);
        }
        if let Some(dir) = self.uploads {
            client = client.uploads(dir);
        }
        let client = client.build().map_err(|error| Error::api(say!("cannot set up the client"), error))?;
        let live = || {
            Arc::new(live(client.base_url(), client.net(), LiveOptions::default().scaled(self.time_scale)))
                as _
        };
        let mut connect = self.connect.unwrap_or_else(live);
        if let Some(recorder) = &recorder {
            connect = Arc::new(recorder.connect(connect));
        }
        let place = place(self.site, client.base_url());
        let attempts = self.ledger.map(|ledger| AttemptLog::new(ledger, place.clone(), key.expose()));
        Ok(RunningHub(Arc::new(Hub {
            client,
            connect,
            recorder,
            pace: Pace::default().scaled(self.time_scale),
            time_scale: self.time_scale,
            previews: self.previews,
            site: self.site,
            place,
            queue: Arc::default(),
            cancels: Arc::new(Cancels::new(attempts.clone(), self.time_scale)),
            attempts,
            history: self.history,
            priors: self.priors,
        })))
    }
}

fn place(site: Site, base_url: &str) -> Place {
    Place::RunningHub { site, base_url: base_url.trim_end_matches('/').to_owned() }
}
