//! The client, and how it is set up.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool, atomic::AtomicU64, atomic::Ordering},
    time::Duration,
};

use reqwest::header::HeaderValue;
use runninghub_core::{TaskId, WebappId, WorkflowId};
use url::{Host, Url};

use crate::{
    AccountStatus, ApiKey, AssetType, Cancel, CreateAsset, CreateAssetGroup, DeleteAsset, DeleteAssetGroup,
    Error, Exchange, GetApp, GetAsset, GetAssetGroup, GetModelPrice, GetQueueStatus, GetQuickStyles,
    GetWebhookDetail, GetWorkflow, ListApiKeys, ListApps, ListAssetGroups, ListAssets, ListResources,
    Outputs, Query, ResourceType, RetryWebhook, Site, Status, UpdateAsset, UpdateAssetGroup, Upload,
    UploadLegacy, UploadLora, UploadSource,
    budget::Budget,
    file_progress::{FileProgress, Watcher},
    hold::Hold,
    http,
    lanes::{Lanes, roots},
    uploads::Uploads,
};

/// Longest wait for the answer to a question.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Longest wait for the answer to a create. Giving up early would only make more creates of unknown outcome.
const CREATE_TIMEOUT: Duration = Duration::from_mins(2);
/// Longest file that is fetched, bytes: several times the longest video, and less than a disk holds.
const MAX_FILE_SIZE: u64 = 32 << 30;

/// The name in errors.
pub(crate) const PROXY: &str = "proxy";

/// A client of one site with one key. Cheap to clone; clones share connections and counters.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    key: ApiKey,
    bearer: HeaderValue,
    base_url: String,
    lanes: Lanes,
    timeout: Duration,
    create_timeout: Duration,
    time_scale: f64,
    max_file_size: u64,
    observer: Option<Arc<dyn Exchange>>,
    watcher: Option<Watcher>,
    uploads: Option<Uploads>,
    calls: AtomicU64,
    /// See [`Client::clock_ahead`].
    clock_ahead: Mutex<Option<i64>>,
    hold: Hold,
    budget: Budget,
    /// Whether legacy calls have the key in their body.
    key_in_body: AtomicBool,
}

/// Sets up a [`Client`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct ClientBuilder {
    key: ApiKey,
    base_url: String,
    tls: Option<rustls::ClientConfig>,
    timeout: Duration,
    create_timeout: Duration,
    time_scale: f64,
    max_file_size: u64,
    observer: Option<Arc<dyn Exchange>>,
    watcher: Option<Watcher>,
    uploads: Option<PathBuf>,
    allow_private_hosts: bool,
    proxy: Option<String>,
    ca_file: Option<PathBuf>,
}

impl Client {
    /// Starts to set up a client for the Chinese site.
    pub fn builder(key: ApiKey) -> ClientBuilder {
        ClientBuilder {
            key,
            base_url: Site::default().base_url().to_owned(),
            tls: None,
            timeout: TIMEOUT,
            create_timeout: CREATE_TIMEOUT,
            time_scale: 1.0,
            max_file_size: MAX_FILE_SIZE,
            observer: None,
            watcher: None,
            uploads: None,
            allow_private_hosts: false,
            proxy: None,
            ca_file: None,
        }
    }

    /// Asks for the account's balance.
    pub fn account(&self) -> AccountStatus {
        AccountStatus::new(self.clone())
    }

    /// Asks what an AI app takes.
    pub fn app(&self, webapp_id: &WebappId) -> GetApp {
        GetApp::new(self.clone(), webapp_id.clone())
    }

    /// Lists AI apps.
    pub fn apps(&self) -> ListApps {
        ListApps::new(self.clone())
    }

    /// Lists the keys of the account.
    pub fn api_keys(&self) -> ListApiKeys {
        ListApiKeys::new(self.clone())
    }

    /// Asks how far a media asset is.
    pub fn asset(&self, asset_id: impl Into<String>) -> GetAsset {
        GetAsset::new(self.clone(), asset_id.into())
    }

    /// Asks for a group of media assets.
    pub fn asset_group(&self, group_id: impl Into<String>) -> GetAssetGroup {
        GetAssetGroup::new(self.clone(), group_id.into())
    }

    /// Lists groups of media assets.
    pub fn asset_groups(&self) -> ListAssetGroups {
        ListAssetGroups::new(self.clone())
    }

    /// Lists media assets.
    pub fn assets(&self) -> ListAssets {
        ListAssets::new(self.clone())
    }

    /// Stops a task.
    pub fn cancel(&self, task_id: &TaskId) -> Cancel {
        Cancel::new(self.clone(), task_id.clone())
    }

    /// Makes a media asset of a file that has an address, such as an upload's.
    pub fn create_asset(
        &self,
        group_id: impl Into<String>,
        url: impl Into<String>,
        asset_type: AssetType,
    ) -> CreateAsset {
        CreateAsset::new(self.clone(), group_id.into(), url.into(), asset_type)
    }

    /// Makes a group of media assets.
    pub fn create_asset_group(&self, name: impl Into<String>) -> CreateAssetGroup {
        CreateAssetGroup::new(self.clone(), name.into())
    }

    /// Removes a media asset.
    pub fn delete_asset(&self, asset_id: impl Into<String>) -> DeleteAsset {
        DeleteAsset::new(self.clone(), asset_id.into())
    }

    /// Removes a group of media assets.
    pub fn delete_asset_group(&self, group_id: impl Into<String>) -> DeleteAssetGroup {
        DeleteAssetGroup::new(self.clone(), group_id.into())
    }

    /// Asks what a task of a model would cost.
    pub fn model_price(&self, endpoint: impl Into<String>) -> GetModelPrice {
        GetModelPrice::new(self.clone(), endpoint.into())
    }

    /// Asks where a task stands, and for its results.
    pub fn outputs(&self, task_id: &TaskId) -> Outputs {
        Outputs::new(self.clone(), task_id.clone())
    }

    /// The same as [`Client::outputs`] by the v2 endpoint, which knows tasks of every origin but not the socket.
    pub fn query(&self, task_id: &TaskId) -> Query {
        Query::new(self.clone(), task_id.clone())
    }

    /// Asks how many tasks the key may run, and how many it runs.
    pub fn queue_status(&self) -> GetQueueStatus {
        GetQueueStatus::new(self.clone())
    }

    /// Asks for the models and styles of a Quick Create app.
    pub fn quick_styles(&self, webapp_id: &WebappId, kind: u32) -> GetQuickStyles {
        GetQuickStyles::new(self.clone(), webapp_id.clone(), kind)
    }

    /// Asks for another delivery of a webhook, by the event's id.
    pub fn retry_webhook(&self, webhook_id: impl Into<String>) -> RetryWebhook {
        RetryWebhook::new(self.clone(), webhook_id.into())
    }

    /// Lists models and LoRAs that workflows can load.
    pub fn resources(&self, resource_type: ResourceType) -> ListResources {
        ListResources::new(self.clone(), resource_type)
    }

    /// Gives a media asset another name.
    pub fn update_asset(&self, asset_id: impl Into<String>, name: impl Into<String>) -> UpdateAsset {
        UpdateAsset::new(self.clone(), asset_id.into(), name.into())
    }

    /// Changes a group of media assets.
    pub fn update_asset_group(&self, group_id: impl Into<String>) -> UpdateAssetGroup {
        UpdateAssetGroup::new(self.clone(), group_id.into())
    }

    /// Asks for a task's status alone.
    pub fn status(&self, task_id: &TaskId) -> Status {
        Status::new(self.clone(), task_id.clone())
    }

    /// Uploads a file for a workflow or a model.
    pub fn upload(&self, file: UploadSource) -> Upload {
        Upload::new(self.clone(), file)
    }

    /// The same by the older interface, whose names only workflows understand.
    pub fn upload_legacy(&self, file: UploadSource) -> UploadLegacy {
        UploadLegacy::new(self.clone(), file)
    }

    /// Uploads a LoRA of one's own, a `.safetensors` file, for the node `RHLoraLoader`.
    pub fn upload_lora(&self, path: impl Into<PathBuf>) -> UploadLora {
        UploadLora::new(self.clone(), path.into())
    }

    /// Asks what became of a task's webhook.
    pub fn webhook_detail(&self, task_id: &TaskId) -> GetWebhookDetail {
        GetWebhookDetail::new(self.clone(), task_id.clone())
    }

    /// Asks for a saved workflow in API format.
    pub fn workflow(&self, workflow_id: &WorkflowId) -> GetWorkflow {
        GetWorkflow::new(self.clone(), workflow_id.clone())
    }

    /// The address that paths are appended to, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.0.base_url
    }

    /// How many API requests were sent, each attempt counted, downloads not.
    pub fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::Relaxed)
    }

    /// Seconds by which this machine's clock was ahead of the server's in the last answer; negative where it is behind.
    /// `None` before the first answer, or where the server does not tell the time.
    pub fn clock_ahead(&self) -> Option<i64> {
        *self.0.clock_ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the API is on this machine.
    pub fn is_loopback(&self) -> bool {
        self.0.lanes.is_loopback()
    }

    /// The configuration of encrypted connections, without ALPN: for the socket, so that both trust the same roots.
    ///
    /// # Errors
    /// [`ErrorKind::Tls`](crate::ErrorKind::Tls) if the system's certificates cannot be used.
    pub fn tls(&self) -> Result<rustls::ClientConfig, Error> {
        self.0.lanes.tls()
    }

    /// How long all requests of the key but cancels are held back, because the server has asked for that.
    pub fn held(&self) -> Option<Duration> {
        self.0.hold.left()
    }

    /// To be told after the machine was suspended: connections that were kept are dead and not used again, and the time
    /// asleep counts as waiting.
    pub fn woke(&self, slept: Duration) {
        self.0.hold.slept(slept);
        self.0.lanes.renew();
    }

    pub(crate) fn compare_clocks(&self, ahead: i64) {
        *self.0.clock_ahead.lock().unwrap_or_else(PoisonError::into_inner) = Some(ahead);
    }

    pub(crate) fn is_key_in_body(&self) -> bool {
        self.0.key_in_body.load(Ordering::Relaxed)
    }

    pub(crate) fn keep_key_in_body(&self, wanted: bool) {
        self.0.key_in_body.store(wanted, Ordering::Relaxed);
    }

    pub(crate) fn key(&self) -> &ApiKey {
        &self.0.key
    }

    pub(crate) fn bearer(&self) -> &HeaderValue {
        &self.0.bearer
    }

    pub(crate) fn lanes(&self) -> &Lanes {
        &self.0.lanes
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.0.timeout
    }

    pub(crate) fn create_timeout(&self) -> Duration {
        self.0.create_timeout
    }

    /// What every wait is multiplied with.
    pub fn time_scale(&self) -> f64 {
        self.0.time_scale
    }

    pub(crate) fn max_file_size(&self) -> u64 {
        self.0.max_file_size
    }

    pub(crate) fn observer(&self) -> Option<&dyn Exchange> {
        self.0.observer.as_deref()
    }

    pub(crate) fn file_progress(&self, progress: FileProgress<'_>) {
        if let Some(watcher) = &self.0.watcher {
            watcher(progress);
        }
    }

    pub(crate) fn uploads(&self) -> Option<&Uploads> {
        self.0.uploads.as_ref()
    }

    pub(crate) fn hold(&self) -> &Hold {
        &self.0.hold
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.0.budget
    }

    pub(crate) fn count(&self) -> &AtomicU64 {
        &self.0.calls
    }
}

impl ClientBuilder {
    /// Which site to ask.
    pub fn site(self, site: Site) -> Self {
        self.base_url(site.base_url())
    }

    /// Another address than the site's: a proxy of one's own, or a simulator.
    pub fn base_url(mut self, base_url: &str) -> Self {
        base_url.clone_into(&mut self.base_url);
        self
    }

    /// A configuration for encrypted connections instead of the default one, which trusts what the system trusts.
    pub fn tls(mut self, config: rustls::ClientConfig) -> Self {
        self.tls = Some(config);
        self
    }

    /// Longest wait for the answer to a question; 30 s by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Longest wait for the answer to a create; 120 s by default. A create that is given up may have made a task.
    pub fn create_timeout(mut self, timeout: Duration) -> Self {
        self.create_timeout = timeout;
        self
    }

    /// Multiplies every pause before a question is asked again, also those a server asks for, and for how long a download
    /// may be slow; 1 by default. Timeouts stay. For tests and demonstrations.
    pub fn time_scale(mut self, factor: f64) -> Self {
        self.time_scale = factor;
        self
    }

    /// Longest file that is fetched, bytes; 32 GiB by default. A longer one is
    /// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) and leaves nothing behind.
    pub fn max_file_size(mut self, bytes: u64) -> Self {
        self.max_file_size = bytes;
        self
    }

    /// Is told of every finished request.
    pub fn observer(mut self, observer: Arc<dyn Exchange>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Is told how far uploads and downloads are: when one begins, begins again, and with each piece of it. It has to be
    /// quick, since the piece waits.
    pub fn on_file_progress(mut self, watcher: impl Fn(FileProgress<'_>) + Send + Sync + 'static) -> Self {
        self.watcher = Some(Box::new(watcher));
        self
    }

    /// Lets downloads come from private addresses and without encryption. Always allowed if the API is on loopback.
    pub fn allow_private_hosts(mut self, allow: bool) -> Self {
        self.allow_private_hosts = allow;
        self
    }

    /// A proxy instead of the one that the environment names: `http://host:port` or `socks5://host:port`, with
    /// `user:password@` where it wants them. `NO_PROXY` is heeded; an API on loopback is reached directly.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// A file of certificates (PEM) to be trusted besides those of the system: for a gateway or a proxy that signs by
    /// itself. Without effect together with [`ClientBuilder::tls`].
    pub fn ca_file(mut self, path: impl AsRef<Path>) -> Self {
        self.ca_file = Some(path.as_ref().to_owned());
        self
    }

    /// A folder of one's own in which [`Client::upload`] remembers the files that it has sent, by SHA-256: an equal one is
    /// not sent again for 12 h. Without it every file is sent.
    pub fn uploads(mut self, dir: impl Into<PathBuf>) -> Self {
        self.uploads = Some(dir.into());
        self
    }

    /// Checks the settings. Nothing is sent, and the system's certificates are not read before the first request.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for a base URL that is no `https` address (or `http` on
    /// loopback), for a proxy that is none, for a file without certificates, and for a time scale that is negative or no
    /// number.
    pub fn build(self) -> Result<Client, Error> {
        let base = base_url(&self.base_url)?;
        if !(0.0..=1000.0).contains(&self.time_scale) {
            return Err(Error::usage("time scale", "it is not between 0 and 1000"));
        }
        let except = reqwest::NoProxy::from_env();
        let proxy = self.proxy.as_deref().map(|text| proxy(text, except)).transpose()?;
        let roots = self.ca_file.as_deref().map(roots).transpose()?.unwrap_or_default();
        let lanes = Lanes::new(&base, self.tls, roots, proxy, self.allow_private_hosts);
        Ok(Client(Arc::new(Inner {
            bearer: http::bearer(&self.key)?,
            key: self.key,
            base_url: base.as_str().trim_end_matches('/').to_owned(),
            lanes,
            timeout: self.timeout,
            create_timeout: self.create_timeout,
            time_scale: self.time_scale,
            max_file_size: self.max_file_size,
            observer: self.observer,
            watcher: self.watcher,
            uploads: self.uploads.map(Uploads::new),
            calls: AtomicU64::new(0),
            clock_ahead: Mutex::new(None),
            hold: Hold::default(),
            budget: Budget::new(),
            key_in_body: AtomicBool::new(true),
        })))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.0.base_url)
            .field("calls", &self.calls())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The base URL is not checked yet and may hold a password.
        f.debug_struct("ClientBuilder").finish_non_exhaustive()
    }
}

/// The address may hold a password: it is in no error.
pub(crate) fn proxy(text: &str, except: Option<reqwest::NoProxy>) -> Result<reqwest::Proxy, Error> {
    let wrong = |what| Error::usage(PROXY, what);
    let url = Url::parse(text.trim()).map_err(|_| wrong("it is not a URL like `http://host:port`"))?;
    if !matches!(url.scheme(), "http" | "socks5" | "socks5h") || url.host().is_none() {
        return Err(wrong("it is neither `http://host:port` nor `socks5://host:port`"));
    }
    let proxy = reqwest::Proxy::all(url.as_str()).map_err(|_| wrong("it cannot be used"))?;
    Ok(proxy.no_proxy(except))
}

fn base_url(text: &str) -> Result<Url, Error> {
    const WHAT: &str = "base URL";
    let url =
        Url::parse(text.trim()).map_err(|error| Error::usage(WHAT, "it is not a URL").because(error))?;
    if !(url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url)) {
        return Err(Error::usage(WHAT, "it has to be `https`; `http` is for this machine (127.0.0.1) only"));
    }
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err(Error::usage(WHAT, "it has a user, a query or a fragment"));
    }
    Ok(url)
}

/// The name `localhost` counts: the system's own resolver answers it with loopback addresses.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(base_url: &str) -> Result<Client, Error> {
        Client::builder(ApiKey::new("0123456789abcdef")?).base_url(base_url).build()
    }

    #[test]
    fn http_is_for_loopback_only() {
        for (base_url, expected) in [
            ("https://www.runninghub.cn", "https://www.runninghub.cn"),
            (" https://proxy.example:8443/rh/ ", "https://proxy.example:8443/rh"),
            ("http://127.0.0.1:8188", "http://127.0.0.1:8188"),
            ("http://[::1]:8188/", "http://[::1]:8188"),
            ("http://LOCALHOST", "http://localhost"),
        ] {
            assert_eq!(build(base_url).expect(base_url).base_url(), expected);
        }
        for bad in [
            "http://www.runninghub.cn",
            "http://10.0.0.1",
            "http://localhost.example",
            "ftp://127.0.0.1",
            "www.runninghub.cn",
            "",
            "https://u:password@h",
            "https://h?a=b",
            "https://h#f",
        ] {
            let error = build(bad).expect_err(bad);
            assert!(!format!("{error:?} {error}").contains("password"), "{error:?}");
        }
    }

    #[test]
    fn a_time_scale_is_a_sane_number() {
        for bad in [f64::NAN, -1.0, f64::INFINITY] {
            let key = ApiKey::new("0123456789abcdef").expect("a key");
            assert!(Client::builder(key).time_scale(bad).build().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_key_is_not_shown() {
        fn is_shareable<T: Clone + Send + Sync + 'static>(_: &T) {}
        let client = build("https://www.runninghub.ai").expect("a client");
        is_shareable(&client);
        let builder = Client::builder(ApiKey::new("0123456789abcdef").expect("a key"));
        assert!(!format!("{client:?} {builder:?}").contains("0123456789"));
    }
}
