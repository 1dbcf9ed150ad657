//! The client and its builder.

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool, atomic::AtomicU64, atomic::Ordering},
    time::Duration,
};

use reqwest::header::HeaderValue;
use runninghub_core::{Sentence, say};
use runninghub_net::{Files, HttpClients, Net, NetOptions, is_loopback};
use url::Url;

use crate::{ApiKey, Error, Site, budget::RetryBudget, http, rate_limit::RateLimitPause, uploads::Uploads};

/// Default timeout of a read request.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);
/// Default timeout of a create. Giving up early would only increase the number of creates with unknown outcome.
const CREATE_TIMEOUT: Duration = Duration::from_mins(2);

/// A client of one site with one key. Cheap to clone; clones share connections and counters.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    key: ApiKey,
    bearer: HeaderValue,
    base_url: String,
    clients: HttpClients,
    files: Files,
    timeout: Duration,
    create_timeout: Duration,
    time_scale: f64,
    uploads: Option<Uploads>,
    calls: AtomicU64,
    pause: RateLimitPause,
    budget: RetryBudget,
    /// Whether legacy calls send the key in the body.
    key_in_body: AtomicBool,
}

/// Sets up a [`Client`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct ClientBuilder {
    key: ApiKey,
    base_url: String,
    net: NetOptions,
    timeout: Duration,
    create_timeout: Duration,
    time_scale: f64,
    uploads: Option<PathBuf>,
}

impl Client {
    /// A builder of a client for the Chinese site.
    pub fn builder(key: ApiKey) -> ClientBuilder {
        ClientBuilder {
            key,
            base_url: Site::default().base_url().to_owned(),
            net: NetOptions::default(),
            timeout: TIMEOUT,
            create_timeout: CREATE_TIMEOUT,
            time_scale: 1.0,
            uploads: None,
        }
    }

    /// The URL that paths are appended to, without a trailing slash.
    pub fn base_url(&self) -> &str {
        &self.0.base_url
    }

    /// Number of API requests sent, counting each attempt but not downloads.
    pub fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::Relaxed)
    }

    /// Downloads of task results. They carry no API headers.
    pub fn files(&self) -> &Files {
        &self.0.files
    }

    /// The network settings: for the socket, so that it uses the same proxy and trusts the same root certificates.
    pub fn net(&self) -> &Net {
        self.0.clients.net()
    }

    /// How long all requests of the key except cancels are held back because the server requested a pause.
    pub fn held(&self) -> Option<Duration> {
        self.0.pause.left()
    }

    /// Call this after the machine was suspended: pooled connections are dead and not used again, and the time
    /// asleep counts as waiting.
    pub fn on_resume(&self, slept: Duration) {
        self.0.pause.on_resume(slept);
        self.0.clients.renew();
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

    pub(crate) fn clients(&self) -> &HttpClients {
        &self.0.clients
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.0.timeout
    }

    pub(crate) fn create_timeout(&self) -> Duration {
        self.0.create_timeout
    }

    /// The factor for every wait.
    pub fn time_scale(&self) -> f64 {
        self.0.time_scale
    }

    pub(crate) fn uploads(&self) -> Option<&Uploads> {
        self.0.uploads.as_ref()
    }

    pub(crate) fn pause(&self) -> &RateLimitPause {
        &self.0.pause
    }

    pub(crate) fn budget(&self) -> &RetryBudget {
        &self.0.budget
    }

    pub(crate) fn count(&self) -> &AtomicU64 {
        &self.0.calls
    }
}

impl ClientBuilder {
    /// The site to use.
    pub fn site(self, site: Site) -> Self {
        self.base_url(site.base_url())
    }

    /// Uses this URL instead of the site's: your own proxy, or a simulator.
    pub fn base_url(mut self, base_url: &str) -> Self {
        base_url.clone_into(&mut self.base_url);
        self
    }

    /// Network options and observers. An API on this machine is reached directly.
    pub fn net(self, options: NetOptions) -> Self {
        Self { net: options, ..self }
    }

    /// Timeout of a read request; 30 s by default.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Timeout of a create; 120 s by default. A create that timed out may have created a task.
    pub fn create_timeout(self, timeout: Duration) -> Self {
        Self { create_timeout: timeout, ..self }
    }

    /// Multiplies every pause before a retry, including pauses that a server requests, and how long a download may be
    /// slow; 1 by default. Timeouts are unchanged. For tests and demonstrations.
    pub fn time_scale(self, factor: f64) -> Self {
        Self { time_scale: factor, ..self }
    }

    /// A dedicated folder in which [`Client::upload`] records the files that it has sent, by SHA-256: an identical
    /// file is not sent again for 12 h. Without it, every file is sent.
    pub fn uploads(self, dir: impl Into<PathBuf>) -> Self {
        Self { uploads: Some(dir.into()), ..self }
    }

    /// Checks the settings. Nothing is sent, and the system's certificates are not read before the first request.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for a base URL that is not an `https` URL (or `http` on
    /// loopback); [`ErrorKind::Net`](crate::ErrorKind::Net) for network options that cannot be used, and for a time
    /// scale that is not between 0 and 1000.
    pub fn build(self) -> Result<Client, Error> {
        let base = base_url(&self.base_url)?;
        let clients = HttpClients::new(Net::new(self.net)?, &base);
        Ok(Client(Arc::new(Inner {
            bearer: http::bearer(&self.key)?,
            key: self.key,
            base_url: base.as_str().trim_end_matches('/').to_owned(),
            files: clients.files(self.time_scale)?,
            clients,
            timeout: self.timeout,
            create_timeout: self.create_timeout,
            time_scale: self.time_scale,
            uploads: self.uploads.map(Uploads::new),
            calls: AtomicU64::new(0),
            pause: RateLimitPause::default(),
            budget: RetryBudget::new(),
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
        // The base URL is not checked yet and may contain a password.
        f.debug_struct("ClientBuilder").finish_non_exhaustive()
    }
}

/// Paths of the platform's endpoints that are given as a part of the base URL.
const API_PATHS: [&str; 5] = ["/openapi/v2", "/task/openapi", "/api/openapi", "/api/webapp", "/uc/openapi"];

/// Checks the URL of an API to which a key will be sent.
///
/// # Errors
/// [`ErrorKind::Usage`](crate::ErrorKind::Usage) if it is not `https` (or `http` on this machine), or has a user, a
/// query or a fragment.
pub fn base_url(text: &str) -> Result<Url, Error> {
    const WHAT: Sentence = say!("base URL");
    let unlike = |_| Error::usage(say!("it is not a URL such as `https://www.runninghub.ai`")).about(WHAT);
    let mut url = Url::parse(text.trim()).map_err(unlike)?;
    if !(url.scheme() == "https" || url.scheme() == "http" && is_loopback(url.host_str().unwrap_or_default()))
    {
        return Err(Error::usage(say!(
            "it must be `https`; `http` is allowed for this machine (127.0.0.1) only"
        ))
        .about(WHAT));
    }
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err(Error::usage(say!("it has a user, a query or a fragment")).about(WHAT));
    }
    // Users copy the base of one endpoint.
    let path = url.path().trim_end_matches('/');
    if let Some(site) = API_PATHS.iter().find_map(|api| path.strip_suffix(api)) {
        let site = site.to_owned();
        url.set_path(&site);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(base_url: &str) -> Result<Client, Error> {
        Client::builder(ApiKey::new("0123456789abcdef")?).base_url(base_url).build()
    }

    #[test]
    fn the_path_of_an_api_is_not_a_part_of_the_base() {
        for (given, base) in [
            ("https://www.runninghub.ai/openapi/v2", "https://www.runninghub.ai/"),
            ("https://www.runninghub.ai/task/openapi/", "https://www.runninghub.ai/"),
            ("https://gateway.example/rh/uc/openapi", "https://gateway.example/rh"),
            ("https://gateway.example/rh/", "https://gateway.example/rh/"),
        ] {
            assert_eq!(base_url(given).expect(given).as_str(), base, "{given}");
        }
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
