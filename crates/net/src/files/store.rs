//! The HTTP clients for files, which send no API headers.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use tokio::fs::File;
use url::Url;

use crate::{Error, Net, guard::Guard, net::once};

/// Timeout for the head of a response. The body is limited by its speed, not by a total time.
const STALL: Duration = Duration::from_mins(1);

/// Downloads files, and uploads some. Cheap to clone; clones share connections. Created by
/// [`HttpClients::files`](crate::HttpClients::files).
#[derive(Clone)]
pub struct Files(Arc<Inner>);

struct Inner {
    net: Net,
    guard: Guard,
    public_only: bool,
    /// Whether the server that names the files is on this machine.
    is_loopback: bool,
    time_scale: f64,
    encrypted: OnceLock<reqwest::Client>,
    plain: OnceLock<reqwest::Client>,
}

impl Files {
    pub(crate) fn new(net: Net, is_loopback: bool, time_scale: f64) -> Self {
        let public_only = !(is_loopback || net.allows_private_hosts());
        let guard = Guard::new(public_only, &net.route().hosts);
        let (encrypted, plain) = (OnceLock::new(), OnceLock::new());
        Self(Arc::new(Inner { net, guard, public_only, is_loopback, time_scale, encrypted, plain }))
    }

    /// Uploads a file to a signed URL with `PUT`, and returns the HTTP status. The URL has to satisfy the rules of
    /// [`Files::download`]. `call` is the name in errors.
    ///
    /// # Errors
    /// When the URL must not be requested, the file cannot be read, or the response times out.
    pub async fn put(&self, url: &str, path: &Path, timeout: Duration) -> Result<u16, Error> {
        let url = self.guard().check(url)?;
        self.vet(&url).await?;
        let failed = |error| Error::io(path, error);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let file = File::open(path).await.map_err(failed)?;
        let size = file.metadata().await.map_err(failed)?.len();
        let request = self
            .client(url.scheme() == "http")?
            .put(url)
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_LENGTH, size)
            .timeout(timeout)
            .body(self.net().upload_body(&name, file, size));
        let response = request.send().await.map_err(Error::request)?;
        Ok(response.status().as_u16())
    }

    pub(super) fn client(&self, is_plain: bool) -> Result<reqwest::Client, Error> {
        let this = &*self.0;
        once(if is_plain { &this.plain } else { &this.encrypted }, || {
            // Other users of reqwest in the same program may have enabled these.
            let mut builder = reqwest::ClientBuilder::new()
                .read_timeout(STALL)
                .no_gzip()
                .no_brotli()
                .no_deflate()
                .no_zstd();
            if this.public_only {
                builder = builder.dns_resolver(this.guard.clone());
            }
            this.net.http_client(is_plain, this.is_loopback, builder)
        })
    }

    /// Checks a URL whose name is not resolved here.
    pub(super) async fn vet(&self, url: &Url) -> Result<(), Error> {
        let target = url.as_str().parse().ok();
        let is_proxied = target.is_some_and(|target| self.net().route().find(&target).is_some());
        if is_proxied { self.guard().vet(url).await } else { Ok(()) }
    }

    pub(super) fn net(&self) -> &Net {
        &self.0.net
    }

    pub(super) fn guard(&self) -> &Guard {
        &self.0.guard
    }

    pub(super) fn time_scale(&self) -> f64 {
        self.0.time_scale
    }
}

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Files").field("net", &self.0.net).finish_non_exhaustive()
    }
}
