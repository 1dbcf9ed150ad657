//! The handle to a ComfyUI server, and how it is set up.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use runninghub_api::{ApiKey, FileProgress};
use runninghub_comfyui::{Client, Queue};
use runninghub_core::{NativeProxy, Observation, Pace, Place, Priors, Site, TaskId, Untrusted};
use runninghub_ledger::{Entry, Ledger};
use runninghub_transport::{Connect, Live, LiveOptions, ProxyChoice};

use super::{backend::Native, classes::Classes, kept::Kept};
use crate::{
    Backend as _, Error, Follow, History, Run, Save, Service, Submit, book::Book, cancel::Cancels,
    hub::Watcher, record::Recorder, submit::FileRules,
};

/// Stands for the key where there is none: only files are fetched with this client, which sends no key along.
const NO_KEY: &str = "none";

/// A ComfyUI server: where prompts are queued and followed. Cheap to clone.
///
/// What it can do is found out by asking it; versions from 0.3.44 on are known to work.
#[derive(Clone)]
pub struct Comfy(pub(crate) Arc<Server>);

pub(crate) struct Server {
    place: Place,
    pub(super) client: Client,
    pub(super) native: Arc<Native>,
    cancels: Arc<Cancels>,
    pub(super) classes: Classes,
    pub(super) connect: Arc<dyn Connect>,
    pub(super) recorder: Option<Arc<Recorder>>,
    pub(super) pace: Pace,
    pub(super) previews: bool,
    pub(super) book: Option<Book>,
    pub(super) history: Option<History>,
    pub(super) file_rules: FileRules,
    pub(super) priors: Priors,
    files: runninghub_api::Client,
}

/// Sets up a [`Comfy`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct ComfyBuilder {
    server: Address,
    time_scale: f64,
    previews: bool,
    record: Option<PathBuf>,
    proxy: Option<String>,
    ca_file: Option<PathBuf>,
    max_file_size: Option<u64>,
    ledger: Option<Arc<dyn Ledger>>,
    connect: Option<Arc<dyn Connect>>,
    classes: Option<PathBuf>,
    history: Option<History>,
    priors: Priors,
    watcher: Option<Watcher>,
}

enum Address {
    Url(String),
    Proxy { proxy: NativeProxy, key: ApiKey, site: Site, base_url: Option<String> },
}

impl Comfy {
    /// Begins to set up a handle for the server at an address such as `http://127.0.0.1:8188`.
    pub fn builder(url: impl Into<String>) -> ComfyBuilder {
        ComfyBuilder::new(Address::Url(url.into()))
    }

    /// Begins to set up a handle for RunningHub's native proxy, which behaves as a ComfyUI of one's own and costs as
    /// RunningHub does. The key is in its URLs, which are shown without it.
    pub fn of_runninghub(key: ApiKey, site: Site, proxy: NativeProxy) -> ComfyBuilder {
        ComfyBuilder::new(Address::Proxy { proxy, key, site, base_url: None })
    }

    /// The prompts that run and that wait, of everybody.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn queue(&self) -> Result<Queue, Error> {
        self.0.client.queue().await.map_err(|error| Error::comfy("cannot ask for the queue", error))
    }
}

#[async_trait]
impl Service for Comfy {
    fn place(&self) -> &Place {
        &self.0.place
    }

    async fn submit(&self, submit: Submit) -> Result<Run, Error> {
        self.submit_once(submit).await
    }

    /// Live if this crate has queued the prompt, and else by polling: a server sends progress to one socket, that of the
    /// prompt's client.
    async fn follow(&self, follow: Follow) -> Result<Run, Error> {
        self.follow_prompt(follow).await
    }

    async fn outputs(&self, prompt: &TaskId) -> Result<Observation, Error> {
        self.0.native.results(prompt).await
    }

    /// Takes a prompt out of the queue, or interrupts it. From here on this machine calls it cancelled, also where the
    /// server keeps nothing of it.
    async fn cancel(&self, prompt: &TaskId) -> Result<(), Error> {
        self.0.cancels.send(&*self.0.native, prompt).await
    }

    fn save(&self, prompt: &TaskId, dir: &Path) -> Save {
        let server = &self.0;
        let backend = Arc::clone(&server.native) as _;
        Save::new(server.files.clone(), backend, server.book.clone(), prompt.clone(), dir.to_owned())
    }

    async fn resolve(&self, attempt: &str, prompt: &TaskId) -> Result<Entry, Error> {
        self.bind(attempt, prompt).await
    }

    async fn find_submit(&self, attempt: &str) -> Result<Option<TaskId>, Error> {
        self.look_for_submit(attempt).await
    }

    fn api_calls(&self) -> u64 {
        self.0.client.calls()
    }

    fn recording_failure(&self) -> Option<String> {
        self.0.recorder.as_ref()?.failure()
    }
}

impl ComfyBuilder {
    fn new(server: Address) -> Self {
        Self {
            server,
            time_scale: 1.0,
            previews: false,
            record: None,
            proxy: None,
            ca_file: None,
            max_file_size: None,
            ledger: None,
            connect: None,
            classes: None,
            history: None,
            priors: Priors::default(),
            watcher: None,
        }
    }

    /// Another address instead of the site's, for [`Comfy::of_runninghub`]: a gateway, a simulator.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        if let Address::Proxy { base_url, .. } = &mut self.server {
            *base_url = Some(url.into());
        }
        self
    }

    /// Multiplies every built-in wait (polling, back-off, pings): for tests and demos.
    pub fn time_scale(mut self, factor: f64) -> Self {
        self.time_scale = factor;
        self
    }

    /// Gives out preview pictures as events.
    pub fn previews(mut self, wanted: bool) -> Self {
        self.previews = wanted;
        self
    }

    /// Keeps a redacted recording of everything in an empty or new folder.
    pub fn record(mut self, dir: impl Into<PathBuf>) -> Self {
        self.record = Some(dir.into());
        self
    }

    /// A proxy instead of the one that the environment names. A server without encryption is reached directly.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// A file of certificates (PEM) to be trusted besides those of the system.
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// Longest result that is fetched, bytes; 32 GiB by default. A longer one is not saved, and leaves nothing behind.
    pub fn max_file_size(mut self, bytes: u64) -> Self {
        self.max_file_size = Some(bytes);
        self
    }

    /// Is told how far uploads and downloads are: when one begins, begins again, and with each piece of it. It has to be
    /// quick, since the piece waits.
    pub fn on_file_progress(mut self, watcher: impl Fn(FileProgress<'_>) + Send + Sync + 'static) -> Self {
        self.watcher = Some(Arc::new(watcher));
        self
    }

    /// Keeps the server's node classes in this folder for an hour, so that the next process need not ask.
    pub fn classes(mut self, dir: impl Into<PathBuf>) -> Self {
        self.classes = Some(dir.into());
        self
    }

    /// Takes up how long nodes took in earlier runs of the same graph, and keeps what each run shows when it ends.
    pub fn history(mut self, history: History) -> Self {
        self.history = Some(history);
        self
    }

    /// Another table of expected seconds than the built-in one.
    pub fn priors(mut self, priors: Priors) -> Self {
        self.priors = priors;
        self
    }

    /// Writes every prompt down before it is sent, and what came of it.
    pub fn ledger(mut self, ledger: Arc<dyn Ledger>) -> Self {
        self.ledger = Some(ledger);
        self
    }

    /// Opens sockets with this: through a tunnel, or in a test. It gets the URL of the server's `/ws`. A
    /// [recording](Self::record) keeps what comes through it.
    pub fn connect(mut self, connect: Arc<dyn Connect>) -> Self {
        self.connect = Some(connect);
        self
    }

    /// The handle. Nothing is sent.
    ///
    /// # Errors
    /// When the address is not one, the HTTP client cannot be set up, or the folder for the recording cannot be used.
    pub fn build(self) -> Result<Comfy, Error> {
        const WHAT: &str = "cannot set up the client";
        let api = |error| Error::api(WHAT, error);
        let key = match &self.server {
            Address::Url(_) => ApiKey::new(NO_KEY).map_err(api)?,
            Address::Proxy { key, .. } => key.clone(),
        };
        // Results lie where the server is, and that may be in one's own network.
        let mut files = runninghub_api::Client::builder(key.clone())
            .time_scale(self.time_scale)
            .allow_private_hosts(true);
        if let Address::Proxy { site, base_url, .. } = &self.server {
            files = files.base_url(base_url.as_deref().unwrap_or(site.base_url()));
        }
        if let Some(proxy) = &self.proxy {
            files = files.proxy(proxy);
        }
        if let Some(path) = &self.ca_file {
            files = files.ca_file(path);
        }
        if let Some(bytes) = self.max_file_size {
            files = files.max_file_size(bytes);
        }
        if let Some(watcher) = self.watcher.clone() {
            files = files.on_file_progress(move |file| watcher(file));
        }
        let files = files.build().map_err(api)?;
        let (url, place) = match &self.server {
            Address::Url(url) => {
                let url = url.trim();
                (url.to_owned(), Place::ComfyUi { url: url.trim_end_matches('/').to_owned() })
            }
            Address::Proxy { proxy, .. } => {
                let base_url = files.base_url().to_owned();
                let url = format!("{base_url}/{}/{}", proxy.path(), key.expose());
                (url, Place::NativeProxy { proxy: *proxy, base_url })
            }
        };

        let recorder = match &self.record {
            Some(dir) => Some(Arc::new(Recorder::create(dir, &key)?)),
            None => None,
        };
        let mut client = Client::builder(&*url);
        if url.starts_with("https") {
            client = client.tls(files.tls().map_err(api)?);
        }
        if let Some(proxy) = &self.proxy {
            client = client.proxy(proxy);
            if let Some(recorder) = &recorder {
                recorder.address(proxy);
            }
        }
        if let Some(recorder) = recorder.clone() {
            client = client.observer(move |exchange| recorder.comfy(exchange));
        }
        if let Some(watcher) = self.watcher {
            client = client
                .on_upload(move |name, bytes, total| watcher(FileProgress::of_upload(name, bytes, total)));
        }
        let client = client.build().map_err(|error| Error::comfy(WHAT, error))?;

        let options = LiveOptions::default()
            .scaled(self.time_scale)
            .preview_metadata(self.previews)
            .allow_insecure(true)
            .proxy(self.proxy.map_or(ProxyChoice::Environment, ProxyChoice::Url));
        let tls = files.clone();
        let live = || Arc::new(Live::new(options).with_tls_from(move || Ok(Arc::new(tls.tls()?)))) as _;
        let mut connect = self.connect.unwrap_or_else(live);
        if let Some(recorder) = &recorder {
            connect = Arc::new(recorder.connect(connect));
        }
        let mut pace = Pace::default();
        // The history is complete when it has an entry, also without any output.
        pace.empty = Duration::ZERO;
        let pace = pace.scaled(self.time_scale);
        let (secret, file_rules) = match &self.server {
            Address::Proxy { key, .. } => (key.expose(), FileRules::NATIVE_PROXY),
            Address::Url(_) => ("", FileRules::COMFYUI),
        };
        let book = self.ledger.map(|ledger| Book::new(ledger, place.clone(), secret));
        let cancels = Arc::new(Cancels::new(book.clone(), self.time_scale));
        Ok(Comfy(Arc::new(Server {
            place,
            native: Arc::new(Native::new(client.clone(), Arc::clone(&cancels), self.time_scale)),
            cancels,
            client,
            classes: Classes::new(self.classes.map(|dir| Kept::new(&dir, &url))),
            connect,
            recorder,
            pace,
            previews: self.previews,
            book,
            history: self.history,
            file_rules,
            priors: self.priors,
            files,
        })))
    }
}

impl Server {
    /// That a ComfyUI answers, and which version; its classes may be known.
    pub(super) async fn is_there(&self) -> Result<(), Error> {
        let version = match self.client.system_stats().await {
            Ok(stats) => {
                tracing::debug!(version = ?stats.version, "a ComfyUI answers");
                Ok(stats.version)
            }
            // A proxy may keep it to itself.
            Err(error) if matches!(error.kind(), runninghub_comfyui::ErrorKind::Http { .. }) => Ok(None),
            Err(error) => Err(Error::comfy("the server cannot be used", error)),
        }?;
        self.classes.recall(version.as_ref().map(Untrusted::raw));
        Ok(())
    }
}

impl fmt::Debug for Comfy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Comfy").field(&self.0.client).finish()
    }
}

impl fmt::Debug for ComfyBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Addresses are not checked yet and may hold passwords.
        f.debug_struct("ComfyBuilder").finish_non_exhaustive()
    }
}
