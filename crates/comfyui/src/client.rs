//! The client, and how it is set up.

use std::{
    fmt,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use reqwest::redirect;
use runninghub_core::{ClientId, NodeFile, SocketUrl};
use url::Url;

use crate::{
    Accepted, ClassInfo, Error, Finished, Job, Queue, SystemStats, UploadedImage,
    endpoint::{history, interrupt, jobs, object_info, prompt, queue, system_stats, upload, view},
    http::Exchange,
    tls,
};

/// Longest time to get a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest wait for an answer. A server whose worker holds Python's lock answers late, but within seconds.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Longest wait for the answer to a prompt: the validation of large workflows loads lists of files. Giving up early would
/// only make more prompts of unknown outcome.
const PROMPT_TIMEOUT: Duration = Duration::from_mins(2);

/// Is told of every finished request.
pub(crate) type Observer = Arc<dyn Fn(&Exchange<'_>) + Send + Sync>;

/// Is told how far an upload is.
type Watcher = Box<dyn Fn(&str, u64, u64) + Send + Sync>;

/// A client of one ComfyUI server. Cheap to clone; clones share connections and the counter.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    base: Url,
    http: Mutex<reqwest::Client>,
    /// Without a pool: a connection that was kept may just have died, and then nobody knows whether the prompt was read.
    prompts: reqwest::Client,
    build: Box<dyn Fn() -> Result<reqwest::Client, Error> + Send + Sync>,
    calls: AtomicU64,
    observer: Option<Observer>,
    watcher: Option<Watcher>,
}

/// Sets up a [`Client`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct ClientBuilder {
    url: String,
    tls: Option<rustls::ClientConfig>,
    proxy: Option<String>,
    observer: Option<Observer>,
    watcher: Option<Watcher>,
}

impl Client {
    /// Starts to set up a client for the server at an address such as `http://127.0.0.1:8188`.
    pub fn builder(url: impl Into<String>) -> ClientBuilder {
        ClientBuilder { url: url.into(), tls: None, proxy: None, observer: None, watcher: None }
    }

    /// Queues a workflow in API format (JSON text), with the id that the prompt shall have where the server allows it.
    /// Sent once, whatever happens; the answer has the id that counts.
    ///
    /// # Errors
    /// [`ErrorKind::Rejected`](crate::ErrorKind::Rejected) when the server does not run it. When
    /// [`Error::is_unsent`] is false, nobody knows.
    pub async fn prompt(
        &self,
        workflow: &str,
        client_id: &ClientId,
        prompt_id: Option<&str>,
    ) -> Result<Accepted, Error> {
        prompt::send(self, workflow, client_id, prompt_id).await
    }

    /// What became of a prompt; `None` while it is not over, and when the server does not know it.
    ///
    /// # Errors
    /// When there was no usable answer.
    pub async fn history(&self, prompt_id: &str) -> Result<Option<Finished>, Error> {
        history::get(self, prompt_id).await
    }

    /// The prompts that run and that wait.
    ///
    /// # Errors
    /// When there was no usable answer.
    pub async fn queue(&self) -> Result<Queue, Error> {
        queue::get(self).await
    }

    /// Takes a waiting prompt out of the queue. The server does not say whether it was there.
    ///
    /// # Errors
    /// When there was no usable answer.
    pub async fn delete_queued(&self, prompt_id: &str) -> Result<(), Error> {
        queue::delete(self, prompt_id).await
    }

    /// Interrupts a running prompt. Servers before 0.3.57 interrupt whatever runs: ask [`Client::queue`] first.
    ///
    /// # Errors
    /// When there was no usable answer.
    pub async fn interrupt(&self, prompt_id: &str) -> Result<(), Error> {
        interrupt::post(self, prompt_id).await
    }

    /// Where a prompt stands, by servers that have jobs (0.6 and later).
    ///
    /// # Errors
    /// When there was no answer.
    pub async fn job(&self, prompt_id: &str) -> Result<Job, Error> {
        jobs::get(self, prompt_id).await
    }

    /// Stops a prompt, waiting or running, on servers that have jobs (0.26 and later). `None` from servers that have none;
    /// else whether there was anything to stop.
    ///
    /// # Errors
    /// When there was no usable answer.
    pub async fn cancel_job(&self, prompt_id: &str) -> Result<Option<bool>, Error> {
        jobs::cancel(self, prompt_id).await
    }

    /// A node class; `None` when the server has no such class.
    ///
    /// # Errors
    /// When there was no usable answer.
    pub async fn class(&self, class_type: &str) -> Result<Option<ClassInfo>, Error> {
        object_info::get(self, class_type).await
    }

    /// The server's version and machine.
    ///
    /// # Errors
    /// When there was no usable answer.
    pub async fn system_stats(&self) -> Result<SystemStats, Error> {
        system_stats::get(self).await
    }

    /// Uploads a file into the server's folder of inputs. A file of the same name is kept: the answer has the name to use.
    ///
    /// # Errors
    /// When the file cannot be read, or there was no usable answer.
    pub async fn upload(&self, path: &Path) -> Result<UploadedImage, Error> {
        upload::post(self, path).await
    }

    /// Where a file can be fetched that a node's output has named.
    pub fn view(&self, file: &NodeFile) -> String {
        view::address(self, file)
    }

    /// The address of the socket for a client id.
    pub fn socket(&self, client_id: &ClientId) -> SocketUrl {
        let mut url = self.path(&["ws"]);
        url.query_pairs_mut().append_pair("clientId", client_id.as_str());
        // `http` becomes `ws`, `https` becomes `wss`.
        SocketUrl::new(url.as_str().replacen("http", "ws", 1))
    }

    /// The server's address, without a slash at the end. It may hold a key (`/proxy/<key>`).
    pub fn base_url(&self) -> &str {
        self.0.base.as_str().trim_end_matches('/')
    }

    /// How many requests were sent.
    pub fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::Relaxed)
    }

    /// To be told after the machine was suspended: kept connections are dead, and not used again.
    pub fn woke(&self) {
        if let Ok(fresh) = (self.0.build)() {
            *self.0.http.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
    }

    pub(crate) fn http(&self) -> reqwest::Client {
        self.0.http.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn prompts(&self) -> &reqwest::Client {
        &self.0.prompts
    }

    pub(crate) fn count(&self) {
        self.0.calls.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn observe(&self, exchange: &Exchange<'_>) {
        if let Some(observer) = &self.0.observer {
            observer(exchange);
        }
    }

    pub(crate) fn upload_progress(&self, name: &str, bytes: u64, total: u64) {
        if let Some(watcher) = &self.0.watcher {
            watcher(name, bytes, total);
        }
    }

    /// An address below the server's, each segment encoded.
    pub(crate) fn path(&self, segments: &[&str]) -> Url {
        let mut url = self.0.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    pub(crate) fn prompt_timeout() -> Duration {
        PROMPT_TIMEOUT
    }
}

impl ClientBuilder {
    /// A configuration for encrypted connections instead of the default one, which trusts what the system trusts.
    pub fn tls(mut self, config: rustls::ClientConfig) -> Self {
        self.tls = Some(config);
        self
    }

    /// A proxy instead of the one that the environment names. Plain `http` servers are reached directly.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// Is told of every finished request.
    pub fn observer(mut self, observer: impl Fn(&Exchange<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Is told how far uploads are: the file's name, the bytes that were handed to the connection, and the bytes in all.
    pub fn on_upload(mut self, watcher: impl Fn(&str, u64, u64) + Send + Sync + 'static) -> Self {
        self.watcher = Some(Box::new(watcher));
        self
    }

    /// Checks the settings. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for an address or a proxy that is none.
    pub fn build(self) -> Result<Client, Error> {
        let base = base_url(&self.url)?;
        let is_plain = base.scheme() == "http";
        let proxy = self.proxy.as_deref().map(proxy).transpose()?;
        let mut config = match self.tls {
            Some(config) => config,
            None => tls::configuration(is_plain)?,
        };
        // reqwest sets this only on configurations of its own.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let builder = move || {
            let mut builder = reqwest::ClientBuilder::new()
                .tls_backend_preconfigured(config.clone())
                .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(CONNECT)
                .timeout(TIMEOUT)
                .redirect(redirect::Policy::none())
                .referer(false)
                .retry(reqwest::retry::never());
            // Servers without encryption are on this machine or near it.
            if is_plain {
                builder = builder.no_proxy();
            } else if let Some(proxy) = &proxy {
                builder = builder.proxy(proxy.clone());
            }
            builder
        };
        let finish = |builder: reqwest::ClientBuilder| {
            builder.build().map_err(|error| Error::transport("client", error))
        };
        let prompts = finish(builder().pool_max_idle_per_host(0))?;
        let build = move || finish(builder());
        let http = Mutex::new(build()?);
        let calls = AtomicU64::new(0);
        let Self { observer, watcher, .. } = self;
        Ok(Client(Arc::new(Inner { base, http, prompts, build: Box::new(build), calls, observer, watcher })))
    }
}

fn base_url(text: &str) -> Result<Url, Error> {
    let wrong = |message| Error::usage("the server's address", message);
    let url = Url::parse(text.trim()).map_err(|_| wrong("it is not one like `http://127.0.0.1:8188`"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wrong("it is not one like `http://127.0.0.1:8188`"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("it has a user, and logins are not supported"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("it has a query or a fragment"));
    }
    Ok(url)
}

fn proxy(text: &str) -> Result<reqwest::Proxy, Error> {
    let proxy = reqwest::Proxy::all(text.trim())
        .map_err(|_| Error::usage("proxy", "it is neither `http://host:port` nor `socks5://host:port`"))?;
    Ok(proxy.no_proxy(reqwest::NoProxy::from_env()))
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address may hold a key.
        f.debug_struct("Client").field("host", &self.0.base.host_str()).finish_non_exhaustive()
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses_below_the_servers() {
        for (base, socket, view) in [
            (
                "http://127.0.0.1:8188",
                "ws://127.0.0.1:8188/ws?clientId=me",
                "http://127.0.0.1:8188/view?filename=a+b.png&subfolder=x%2Fy&type=temp",
            ),
            (
                "https://www.runninghub.cn/proxy/KEY/",
                "wss://www.runninghub.cn/proxy/KEY/ws?clientId=me",
                "https://www.runninghub.cn/proxy/KEY/view?filename=a+b.png&subfolder=x%2Fy&type=temp",
            ),
        ] {
            let client = Client::builder(base).build().expect(base);
            assert_eq!(client.socket(&"me".into()).expose(), socket);
            let file = json!({"filename": "a b.png", "subfolder": "x/y", "type": "temp"});
            assert_eq!(client.view(&NodeFile::read(&file).expect("a file")), view);
            assert!(!format!("{client:?}").contains("KEY"));
        }
        let client = Client::builder("http://h").build().expect("a client");
        assert_eq!(client.path(&["history", "../a?b"]).as_str(), "http://h/history/..%2Fa%3Fb");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in
            ["", "127.0.0.1:8188", "ftp://h", "http://me:pw@h", "http://h?a", "http://h#a", "localhost"]
        {
            let error = Client::builder(bad).build().expect_err(bad);
            assert!(!format!("{error:?}").contains("pw"), "{error:?}");
        }
    }
}
