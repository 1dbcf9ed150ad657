//! The handle to a ComfyUI server, and its builder.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use runninghub_api::{ApiKey, Code};
use runninghub_comfyui::{Client, Queue};
use runninghub_core::{
    NativeProxy, Observation, Pace, Place, Priors, Sentence, Site, TaskId, Untrusted, say,
};
use runninghub_ledger::{Entry, Ledger};
use runninghub_net::{Files, Login, NetOptions, Proxy};
use runninghub_transport::{Connect, Live, LiveOptions};
use url::Url;

use super::{backend::Native, classes::Classes, kept::Kept, turn::Turns};
use crate::{
    Backend as _, Error, Follow, History, Run, Save, Service, Submit, Workspace,
    attempts::AttemptLog,
    cancel::Cancels,
    record::{Record, Recorder, recording},
    resolve,
    submit::{FileRules, once},
};

/// A ComfyUI server: queues and follows prompts. Cheap to clone.
///
/// Its capabilities are detected at run time; versions from 0.3.44 on are known to work.
#[derive(Clone)]
pub struct Comfy(pub(crate) Arc<Server>);

pub(crate) struct Server {
    pub(super) place: Place,
    pub(super) client: Client,
    pub(super) native: Arc<Native>,
    cancels: Arc<Cancels>,
    pub(super) classes: Classes,
    pub(super) turns: Turns,
    pub(super) connect: Arc<dyn Connect>,
    pub(super) recorder: Option<Arc<Recorder>>,
    pub(super) pace: Pace,
    pub(super) previews: bool,
    pub(super) attempts: Option<AttemptLog>,
    pub(super) history: Option<History>,
    pub(crate) file_rules: FileRules,
    /// The key of partner nodes, whose runs cost money.
    pub(super) partner_key: Option<String>,
    pub(super) priors: Priors,
    files: Files,
}

/// Sets up a [`Comfy`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct ComfyBuilder {
    server: Address,
    time_scale: f64,
    previews: bool,
    record: Record,
    net: NetOptions,
    login: Option<Login>,
    partner_key: Option<String>,
    ledger: Option<Arc<dyn Ledger>>,
    connect: Option<Arc<dyn Connect>>,
    classes: Option<PathBuf>,
    turns: Option<PathBuf>,
    history: Option<History>,
    priors: Priors,
}

enum Address {
    Url(String),
    Proxy { proxy: NativeProxy, key: ApiKey, site: Site, base_url: Option<String> },
}

impl Comfy {
    /// A builder of a handle for the server at a URL such as `http://127.0.0.1:8188`.
    pub fn builder(url: impl Into<String>) -> ComfyBuilder {
        ComfyBuilder::new(Address::Url(url.into()))
    }

    /// A builder of a handle for RunningHub's native proxy, which behaves like a ComfyUI of your own and costs as
    /// much as RunningHub. Its URLs contain the key, which is redacted when they are displayed.
    pub fn of_runninghub(key: ApiKey, site: Site, proxy: NativeProxy) -> ComfyBuilder {
        ComfyBuilder::new(Address::Proxy { proxy, key, site, base_url: None })
    }

    /// The running and queued prompts of all clients.
    ///
    /// # Errors
    /// When there is no response.
    pub async fn queue(&self) -> Result<Queue, Error> {
        self.0.client.queue().await.map_err(|error| self.0.error(say!("cannot get the queue"), error))
    }
}

#[async_trait]
impl Service for Comfy {
    fn place(&self) -> &Place {
        &self.0.place
    }

    async fn submit(&self, submit: Submit) -> Result<Run, Error> {
        once::submit(self, self.0.attempts.as_ref(), submit, |to, submit| to.submit_once(submit).boxed())
            .await
    }

    /// Live if this crate queued the prompt, and otherwise by polling: a server sends progress to one socket only,
    /// that of the prompt's client.
    async fn follow(&self, follow: Follow) -> Result<Run, Error> {
        self.follow_prompt(follow).await
    }

    async fn outputs(&self, prompt: &TaskId) -> Result<Observation, Error> {
        self.0.native.results(prompt).await
    }

    /// Removes a prompt from the queue, or interrupts it. From here on this machine reports it as cancelled, even if
    /// the server keeps nothing about it.
    async fn cancel(&self, prompt: &TaskId) -> Result<(), Error> {
        self.0.cancels.send(&*self.0.native, prompt).await
    }

    fn save(&self, prompt: &TaskId, dir: &Path) -> Save {
        let server = &self.0;
        let backend = Arc::clone(&server.native) as _;
        Save::new(server.files.clone(), backend, server.attempts.clone(), prompt.clone(), dir.to_owned())
            .recorded(server.recorder.clone())
    }

    async fn resolve(&self, attempt: &str, prompt: &TaskId) -> Result<Entry, Error> {
        self.bind(attempt, prompt).await
    }

    async fn refresh(&self, entry: &Entry) -> Result<Entry, Error> {
        resolve::refresh(self, self.attempts()?, entry).await
    }

    async fn find_submit(&self, attempt: &str) -> Result<Option<TaskId>, Error> {
        self.look_for_submit(attempt).await
    }

    fn api_calls(&self) -> u64 {
        self.0.client.calls()
    }

    fn recording_failure(&self) -> Option<Sentence> {
        self.0.recorder.as_ref()?.failure()
    }
}

impl ComfyBuilder {
    fn new(server: Address) -> Self {
        Self {
            server,
            time_scale: 1.0,
            previews: false,
            record: Record::default(),
            net: NetOptions::default(),
            login: None,
            partner_key: None,
            ledger: None,
            connect: None,
            classes: None,
            turns: None,
            history: None,
            priors: Priors::default(),
        }
    }

    /// Keeps records in a workspace: every prompt before it is sent and its outcome, how long nodes took, and the
    /// server's node classes.
    ///
    /// # Errors
    /// When the ledger cannot be opened.
    pub fn workspace(self, workspace: &Workspace) -> Result<Self, Error> {
        let ledger = workspace.ledger();
        let ledger = ledger.map_err(|error| Error::ledger(say!("the ledger cannot be opened"), error))?;
        let records = self.ledger(ledger).history(workspace.history()).classes(workspace.classes());
        Ok(records.turns(workspace.turns()))
    }

    /// Uses this URL instead of the site's, for [`Comfy::of_runninghub`]: a gateway, a simulator.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        if let Address::Proxy { base_url, .. } = &mut self.server {
            *base_url = Some(url.into());
        }
        self
    }

    /// Multiplies every built-in wait (polling, backoff, pings): for tests and demos.
    pub fn time_scale(mut self, factor: f64) -> Self {
        self.time_scale = factor;
        self
    }

    /// Emits preview images as events.
    pub fn previews(mut self, wanted: bool) -> Self {
        self.previews = wanted;
        self
    }

    /// Writes a redacted recording of all traffic to an empty or new folder.
    pub fn record(mut self, dir: impl Into<PathBuf>) -> Self {
        self.record.dir = Some(dir.into());
        self
    }

    /// Also records preview images, one a second. They are most of a recording's size.
    pub fn record_previews(mut self, wanted: bool) -> Self {
        self.record.previews = wanted;
        self
    }

    /// Network options for HTTP and the socket: proxy, certificates, limits, observers. A server without encryption
    /// is reached directly, and its files may be on private hosts.
    pub fn net(mut self, options: NetOptions) -> Self {
        self.net = options;
        self
    }

    /// Caches the server's node classes in this folder for an hour, so that the next process need not request them.
    pub fn classes(mut self, dir: impl Into<PathBuf>) -> Self {
        self.classes = Some(dir.into());
        self
    }

    /// Uses how long nodes took in earlier runs of the same graph, and adds each run's durations when it ends.
    pub fn history(mut self, history: History) -> Self {
        self.history = Some(history);
        self
    }

    /// Replaces the built-in table of expected seconds.
    pub fn priors(mut self, priors: Priors) -> Self {
        self.priors = priors;
        self
    }

    /// Records every prompt before it is sent, and its outcome.
    pub fn ledger(mut self, ledger: Arc<dyn Ledger>) -> Self {
        self.ledger = Some(ledger);
        self
    }

    /// The login of the server, or of a gateway in front of it. It is sent with every request, upload, download and
    /// socket of this server, and is redacted in recordings.
    pub fn login(mut self, login: Login) -> Self {
        self.login = Some(login);
        self
    }

    /// The key of comfy.org for partner (API) nodes: it is sent with every prompt, as `api_key_comfy_org` in
    /// `extra_data`, and never recorded. Such nodes cost money.
    pub fn partner_key(mut self, key: impl Into<String>) -> Self {
        self.partner_key = Some(key.into()).filter(|key| !key.is_empty());
        self
    }

    /// Keeps in this folder which run gets the frames of a prompt, so that a second one on this machine does not silence the
    /// first: it polls.
    pub fn turns(mut self, dir: impl Into<PathBuf>) -> Self {
        self.turns = Some(dir.into());
        self
    }

    /// Opens sockets with this: through a tunnel, or in a test. It gets the URL of the server's `/ws`. A
    /// [recording](Self::record) contains the messages that come through it.
    pub fn connect(mut self, connect: Arc<dyn Connect>) -> Self {
        self.connect = Some(connect);
        self
    }

    /// Builds the handle. Nothing is sent.
    ///
    /// # Errors
    /// When the URL is invalid, the HTTP client cannot be set up, or the folder for the recording cannot be used.
    pub fn build(self) -> Result<Comfy, Error> {
        let mut pace = match &self.server {
            Address::Url(_) => Pace::of_a_server(),
            Address::Proxy { .. } => Pace::default(),
        };
        let (url, place, key) = self.server.place()?;
        // Results are on the server, which may be in a private network.
        let mut net = self.net.allow_private_hosts(true);
        if Url::parse(&url).is_ok_and(|url| url.scheme() == "http") {
            net = net.proxy(Proxy::Off);
        }
        let (recorder, net) = recording(&self.record, key.as_ref(), net)?;
        let failed = |error| Error::comfy(say!("cannot set up the client"), error);
        let mut client = Client::builder(&*url).net(net);
        if let Some(login) = self.login {
            client = client.login(login);
        }
        let client = client.build().map_err(failed)?;
        let place = match place {
            // Without the login that the address may contain.
            Place::ComfyUi { .. } => Place::ComfyUi { url: client.base_url().to_owned() },
            place => place,
        };
        if let Some(recorder) = &recorder {
            client.secrets().chain(self.partner_key.as_deref()).for_each(|secret| recorder.secret(secret));
        }
        let files = client.files(self.time_scale).map_err(failed)?;
        let options = LiveOptions::default()
            .scaled(self.time_scale)
            .preview_metadata(self.previews)
            .allow_insecure(true)
            .net(client.net().clone());
        let live = || Arc::new(Live::new(options)) as _;
        let mut connect = self.connect.unwrap_or_else(live);
        if let Some(recorder) = &recorder {
            connect = Arc::new(recorder.connect(connect));
        }
        // A history entry is complete, even without any output.
        pace.empty = Duration::ZERO;
        let pace = pace.scaled(self.time_scale);
        let (secret, file_rules) = match &key {
            Some(key) => (key.expose(), FileRules::NATIVE_PROXY),
            None => ("", FileRules::COMFYUI),
        };
        let attempts = self.ledger.map(|ledger| AttemptLog::new(ledger, place.clone(), secret));
        let cancels = Arc::new(Cancels::new(attempts.clone(), self.time_scale));
        Ok(Comfy(Arc::new(Server {
            place,
            native: Arc::new(Native::new(client.clone(), Arc::clone(&cancels), self.time_scale)),
            cancels,
            files,
            classes: Classes::new(self.classes.map(|dir| Kept::new(&dir, client.base_url()))),
            client,
            turns: Turns::new(self.turns),
            connect,
            recorder,
            pace,
            previews: self.previews,
            attempts,
            history: self.history,
            file_rules,
            partner_key: self.partner_key,
            priors: self.priors,
        })))
    }
}

impl Address {
    /// The server's URL, its name in the ledger, and the key if it takes one.
    fn place(self) -> Result<(String, Place, Option<ApiKey>), Error> {
        match self {
            Self::Url(url) => {
                let url = url.trim().to_owned();
                let place = Place::ComfyUi { url: url.trim_end_matches('/').to_owned() };
                Ok((url, place, None))
            }
            Self::Proxy { proxy, key, site, base_url } => {
                // The URL will contain the key, so it has to be encrypted like that of the API.
                let base_url = runninghub_api::base_url(base_url.as_deref().unwrap_or(site.base_url()))
                    .map_err(|error| Error::api(say!("cannot set up the client"), error))?;
                let base_url = base_url.as_str().trim_end_matches('/').to_owned();
                let url = format!("{base_url}/{}/{}", proxy.path(), key.expose());
                Ok((url, Place::NativeProxy { proxy, base_url }, Some(key)))
            }
        }
    }
}

impl Server {
    /// Checks that the server is a ComfyUI, reads its version, and loads cached classes.
    pub(super) async fn is_there(&self) -> Result<(), Error> {
        let version = match self.client.system_stats().await {
            Ok(stats) => {
                tracing::debug!(version = ?stats.version, "a ComfyUI answers");
                Ok(stats.version)
            }
            // A proxy may block this endpoint.
            Err(error) if matches!(error.kind(), runninghub_comfyui::ErrorKind::Http { .. }) => Ok(None),
            Err(error) => Err(self.error(say!("the server cannot be used"), error)),
        }?;
        self.classes.recall(version.as_ref().map(Untrusted::raw));
        Ok(())
    }

    /// A failed request. The native proxy has no login but the key, and answers a wrong one as it likes.
    pub(super) fn error(&self, what: Sentence, source: runninghub_comfyui::Error) -> Error {
        use runninghub_comfyui::ErrorKind as Comfy;
        let refuses = matches!(
            source.kind(),
            Comfy::Locked { .. } | Comfy::NotComfyUi { .. } | Comfy::Unexpected { .. }
        );
        let is_key = refuses && matches!(self.place, Place::NativeProxy { .. });
        Error::comfy(what, source).hinted(is_key.then(|| Code::NO_SUCH_USER.hint()).flatten())
    }
}

impl fmt::Debug for Comfy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Comfy").field(&self.0.client).finish()
    }
}

impl fmt::Debug for ComfyBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // URLs are not checked yet and may contain passwords.
        f.debug_struct("ComfyBuilder").finish_non_exhaustive()
    }
}
