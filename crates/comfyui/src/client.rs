//! The client and its builder.

use std::{
    collections::HashMap,
    fmt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use percent_encoding::percent_decode_str;
use runninghub_core::{ClientId, NodeFile, SocketUrl, say};
use runninghub_net::{Files, HttpClients, Login, Net, NetOptions, is_loopback};
use serde_json::{Map, Value};
use url::Url;

use crate::{
    Accepted, ClassInfo, Error, Finished, Job, Queue, SystemStats, UploadedImage,
    endpoint::{
        history, interrupt, jobs, object_info, prompt, queue, replacements, system_stats, upload, view,
    },
};

/// A client of one ComfyUI server. Cheap to clone; clones share connections and the counter.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    base: Url,
    http: HttpClients,
    calls: AtomicU64,
}

/// Sets up a [`Client`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct ClientBuilder {
    url: String,
    net: NetOptions,
    login: Option<Login>,
}

impl Client {
    /// A builder of a client for the server at a URL such as `http://127.0.0.1:8188`.
    pub fn builder(url: impl Into<String>) -> ClientBuilder {
        ClientBuilder { url: url.into(), net: NetOptions::default(), login: None }
    }

    /// Queues a workflow in API format (JSON text). The prompt gets `prompt_id` if the server supports that. It is
    /// never sent twice; the response contains the actual id.
    ///
    /// # Errors
    /// [`ErrorKind::Rejected`](crate::ErrorKind::Rejected) when the server refuses it. When [`Error::is_unsent`] is
    /// false, the outcome is unknown.
    pub async fn prompt(
        &self,
        workflow: &str,
        client_id: &ClientId,
        prompt_id: Option<&str>,
        extra_data: &Map<String, Value>,
    ) -> Result<Accepted, Error> {
        prompt::send(self, workflow, client_id, prompt_id, extra_data).await
    }

    /// The result of a prompt; `None` if it isn't over, or the server doesn't know it.
    ///
    /// # Errors
    /// When there is no usable response.
    pub async fn history(&self, prompt_id: &str) -> Result<Option<Finished>, Error> {
        history::get(self, prompt_id).await
    }

    /// The running and queued prompts.
    ///
    /// # Errors
    /// When there is no usable response.
    pub async fn queue(&self) -> Result<Queue, Error> {
        queue::get(self).await
    }

    /// Removes a queued prompt from the queue. The server does not report whether it was there.
    ///
    /// # Errors
    /// When there is no usable response.
    pub async fn delete_queued(&self, prompt_id: &str) -> Result<(), Error> {
        queue::delete(self, prompt_id).await
    }

    /// Interrupts a running prompt. Servers before 0.3.57 interrupt any running prompt: check [`Client::queue`]
    /// first.
    ///
    /// # Errors
    /// When there is no usable response.
    pub async fn interrupt(&self, prompt_id: &str) -> Result<(), Error> {
        interrupt::post(self, prompt_id).await
    }

    /// The status of a prompt, on servers that have jobs (0.6 and later).
    ///
    /// # Errors
    /// When there is no response.
    pub async fn job(&self, prompt_id: &str) -> Result<Job, Error> {
        jobs::get(self, prompt_id).await
    }

    /// Stops a queued or running prompt, on servers that have jobs (0.26 and later). `None` if the server has none;
    /// otherwise whether there was anything to stop.
    ///
    /// # Errors
    /// When there is no usable response.
    pub async fn cancel_job(&self, prompt_id: &str) -> Result<Option<bool>, Error> {
        jobs::cancel(self, prompt_id).await
    }

    /// Fetches a node class; `None` if the server does not have it.
    ///
    /// # Errors
    /// When there is no usable response.
    pub async fn class(&self, class_type: &str) -> Result<Option<ClassInfo>, Error> {
        object_info::get(self, class_type).await
    }

    /// The classes that the server itself replaces with others, each with the new class.
    ///
    /// # Errors
    /// When there is no usable response. A server without the endpoint replaces none.
    pub async fn replacements(&self) -> Result<HashMap<String, String>, Error> {
        replacements::get(self).await
    }

    /// The server's version.
    ///
    /// # Errors
    /// When there is no usable response.
    pub async fn system_stats(&self) -> Result<SystemStats, Error> {
        system_stats::get(self).await
    }

    /// Uploads a file into the server's input folder. An existing file of the same name is kept: the response
    /// contains the name to use.
    ///
    /// # Errors
    /// When the file cannot be read, or there is no usable response.
    pub async fn upload(&self, path: &Path) -> Result<UploadedImage, Error> {
        upload::post(self, path).await
    }

    /// The URL of a file from a node's output.
    pub fn view(&self, file: &NodeFile) -> String {
        view::address(self, file)
    }

    /// The URL of the socket for a client id.
    pub fn socket(&self, client_id: &ClientId) -> SocketUrl {
        let mut url = self.path(&["ws"]);
        url.query_pairs_mut().append_pair("clientId", client_id.as_str());
        self.complete(&mut url);
        // `http` becomes `ws`, `https` becomes `wss`.
        SocketUrl::new(url.as_str().replacen("http", "ws", 1))
    }

    /// The server's URL, without a trailing slash. It may contain a key (`/proxy/<key>`).
    pub fn base_url(&self) -> &str {
        self.0.base.as_str().trim_end_matches('/')
    }

    /// Whether the server runs on this machine, judging by its host name.
    pub fn is_on_this_machine(&self) -> bool {
        let host = self.0.base.host_str().unwrap_or_default();
        is_loopback(host) || host.ends_with(".localhost")
    }

    /// Number of requests sent.
    pub fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::Relaxed)
    }

    /// Drops pooled connections: call it after the machine was suspended.
    pub fn on_resume(&self) {
        self.0.http.renew();
    }

    /// The texts of the login that must not appear in recordings.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.net().login(&self.0.base).into_iter().flat_map(Login::secrets)
    }

    /// The network settings, which sockets use too.
    pub fn net(&self) -> &Net {
        self.0.http.net()
    }

    /// A downloader for the server's files. `time_scale` multiplies its pauses.
    ///
    /// # Errors
    /// When the scale is not between 0 and 1000.
    pub fn files(&self, time_scale: f64) -> Result<Files, Error> {
        self.0.http.files(time_scale).map_err(Error::net)
    }

    pub(crate) fn http(&self) -> &HttpClients {
        &self.0.http
    }

    pub(crate) fn count(&self) {
        self.0.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// A URL below the server's, with each segment encoded.
    pub(crate) fn path(&self, segments: &[&str]) -> Url {
        let mut url = self.0.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// The URL of a request, with the login if that is a query parameter.
    pub(crate) fn request_url(&self, segments: &[&str]) -> Url {
        let mut url = self.path(segments);
        self.complete(&mut url);
        url
    }

    fn complete(&self, url: &mut Url) {
        if let Some(login) = self.net().login(&self.0.base) {
            login.complete(url);
        }
    }
}

impl ClientBuilder {
    /// The login of the server, or of a gateway in front of it. It takes precedence over one in the URL.
    pub fn login(self, login: Login) -> Self {
        Self { login: Some(login), ..self }
    }

    /// Network options. A server without encryption is reached directly, not through a proxy.
    pub fn net(self, options: NetOptions) -> Self {
        Self { net: options, ..self }
    }

    /// Checks the settings. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for an invalid URL, and
    /// [`ErrorKind::Net`](crate::ErrorKind::Net) for options that cannot be used.
    pub fn build(self) -> Result<Client, Error> {
        let (base, login) = base_url(&self.url)?;
        let net = match self.login.or(login) {
            Some(login) => self.net.login(&base, login),
            None => self.net,
        };
        let net = Net::new(net).map_err(Error::net)?;
        Ok(Client(Arc::new(Inner { http: HttpClients::new(net, &base), base, calls: AtomicU64::new(0) })))
    }
}

/// The server's base URL, and the login in it: a user with a password, or a query such as `?token=…`.
fn base_url(text: &str) -> Result<(Url, Option<Login>), Error> {
    let wrong = |problem| Error::usage(problem).about(say!("the server URL"));
    let unlike = || wrong(say!("it is not a URL like `http://127.0.0.1:8188`"));
    let mut url = Url::parse(text.trim()).map_err(|_| unlike())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(unlike());
    }
    let mut pairs = url.query_pairs();
    let query = match (pairs.next(), pairs.next()) {
        (None, _) => None,
        (Some((name, value)), None) if !value.is_empty() => Some(Login::query(&name, &value)),
        _ => return Err(wrong(say!("its query string is not a login such as `?token=…`"))),
    };
    let user = percent_decode_str(url.username()).decode_utf8_lossy().into_owned();
    let login = match url.password() {
        Some(password) => {
            let password = percent_decode_str(password).decode_utf8_lossy();
            Some(Login::basic(&user, &password).map_err(Error::net)?)
        }
        None if !user.is_empty() => return Err(wrong(say!("it has a user but no password"))),
        None => query,
    };
    // Neither fails for a URL with a host.
    let _ = (url.set_username(""), url.set_password(None));
    url.set_query(None);
    // The editor writes the graph that it shows there.
    url.set_fragment(None);
    Ok((url, login))
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may contain a key.
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
    fn urls_below_the_servers_path() {
        for (base, socket, view) in [
            (
                "http://127.0.0.1:8188",
                "ws://127.0.0.1:8188/ws?clientId=me",
                "http://127.0.0.1:8188/view?filename=a+b.png&subfolder=x%2Fy&type=temp",
            ),
            (
                "http://127.0.0.1:8188/#1b2c3d4e",
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
    fn a_login_in_the_url_is_sent_but_never_shown() {
        let file = NodeFile::read(&json!({"filename": "a.png"})).expect("a file");
        for (address, secret) in [("http://me:p%40ss@h:8188/x", "p@ss"), ("http://h:8188/x?token=t0k", "t0k")]
        {
            let client = Client::builder(address).build().expect(address);
            assert_eq!(client.base_url(), "http://h:8188/x");
            assert_eq!(client.view(&file), "http://h:8188/x/view?filename=a.png&subfolder=&type=output");
            assert!(client.secrets().any(|known| known == secret), "{address}");
            assert!(!format!("{client:?}").contains(secret));
        }
        let client = Client::builder("http://h?token=t0k").build().expect("a client");
        assert_eq!(client.request_url(&["queue"]).as_str(), "http://h/queue?token=t0k");
        assert_eq!(client.socket(&"me".into()).expose(), "ws://h/ws?clientId=me&token=t0k");
    }

    #[test]
    fn text_that_is_not_a_url_is_refused() {
        for bad in [
            "",
            "127.0.0.1:8188",
            "ftp://h",
            "http://:pw@h",
            "http://me@h",
            "http://h?a",
            "http://h?a=1&pw=2",
            "localhost",
        ] {
            let error = Client::builder(bad).build().expect_err(bad);
            assert!(!format!("{error:?}").contains("pw"), "{error:?}");
        }
    }
}
