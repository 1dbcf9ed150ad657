//! Fetching one file or several.

use std::path::{Path, PathBuf};

use futures_util::{Stream, StreamExt, future::BoxFuture, stream};
use reqwest::{Response, header::LOCATION};
use url::Url;

use super::{file_name::sanitize, guard, save::Partial};
use crate::{Client, Error, ErrorKind, http::asked_wait};

/// How many files are fetched at once: enough to hide the round trips, few enough to be no burden.
const AT_ONCE: usize = 4;
/// How many redirects are followed.
const HOPS: usize = 5;
/// The name in errors and logs.
pub(super) const CALL: &str = "download";

/// Fetches one result into a directory. Made by [`Client::download`].
///
/// The file appears under its name when all of it is on disk, and not before. A file of the same name is never
/// touched: the new one becomes `name-2.ext`.
#[must_use = "a request does nothing until it is awaited"]
pub struct Download {
    client: Client,
    url: String,
    directory: PathBuf,
    name: String,
}

/// A result on disk.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Downloaded {
    /// Where it is.
    pub path: PathBuf,
    /// Its size, bytes.
    pub bytes: u64,
    /// Its SHA-256, 64 hexadecimal digits.
    pub sha256: String,
}

impl Client {
    /// Fetches a result. The directory is made if it is missing; the name is made safe with
    /// [`sanitize`](crate::sanitize).
    ///
    /// No header of the API goes along. The address has to be `https` on a public host, at every redirect, unless the
    /// API is on loopback or [`ClientBuilder::allow_private_hosts`](crate::ClientBuilder::allow_private_hosts) was given.
    ///
    /// # Errors
    /// [`ErrorKind::Expired`] for a link that is too old, [`ErrorKind::Forbidden`] for an address that must not be
    /// fetched, [`ErrorKind::Io`] for the disk.
    pub fn download(&self, url: &str, directory: &Path, file_name: &str) -> Download {
        let (url, directory) = (url.to_owned(), directory.to_owned());
        Download { client: self.clone(), url, directory, name: sanitize(file_name) }
    }

    /// Fetches several results, a few at a time, and yields each as it ends together with its place in the list.
    ///
    /// `progress` is told the place, the bytes so far and the bytes in all where known; after a broken connection the
    /// bytes start again at zero.
    pub fn download_all(
        &self,
        downloads: Vec<Download>,
        progress: impl Fn(usize, u64, Option<u64>) + Send + Sync,
    ) -> impl Stream<Item = (usize, Result<Downloaded, Error>)> + Send {
        let progress = std::sync::Arc::new(progress);
        stream::iter(downloads.into_iter().enumerate())
            .map(move |(place, download)| {
                let progress = std::sync::Arc::clone(&progress);
                async move { (place, download.send(|bytes, total| progress(place, bytes, total)).await) }
            })
            .buffer_unordered(AT_ONCE)
    }
}

impl Download {
    async fn send(&self, progress: impl Fn(u64, Option<u64>) + Send + Sync) -> Result<Downloaded, Error> {
        let progress = &progress;
        self.client.repeat(|| self.attempt(progress)).await
    }

    async fn attempt(
        &self,
        progress: &(impl Fn(u64, Option<u64>) + Send + Sync),
    ) -> Result<Downloaded, Error> {
        let mut response = self.open().await?;
        let total = response.content_length();
        let mut partial = Partial::create(&self.directory)?;
        progress(0, total);
        while let Some(chunk) = response.chunk().await.map_err(|error| Error::transport(CALL, error))? {
            partial.write(&chunk)?;
            progress(partial.bytes(), total);
        }
        if total.is_some_and(|total| total != partial.bytes()) {
            return Err(Error::new(CALL, ErrorKind::Network));
        }
        if partial.is_stray_page(&self.name) {
            return Err(Error::new(CALL, ErrorKind::NotOurApi { status: 200, title: None }));
        }
        let name = self.name.clone();
        // Flushing waits for the disk; the sockets of running tasks must not.
        tokio::task::spawn_blocking(move || partial.finish(&name))
            .await
            .map_err(|error| Error::io(CALL, &self.directory, std::io::Error::other(error)))?
    }

    /// Follows the redirects, checking every address before it is asked.
    async fn open(&self) -> Result<Response, Error> {
        let lanes = self.client.lanes();
        let mut url = guard::check(&self.url, lanes.public_only())?;
        for _ in 0..=HOPS {
            let lane = lanes.downloads(url.scheme() == "http")?;
            let response =
                lane.get(url.clone()).send().await.map_err(|error| guard::transport(CALL, error))?;
            let status = response.status();
            tracing::debug!(host = url.host_str(), status = status.as_u16(), "fetching");
            if !status.is_redirection() {
                return accept(response);
            }
            url = next_hop(&url, &response, lanes.public_only())?;
        }
        Err(Error::new(CALL, ErrorKind::Forbidden { reason: "too many redirects" }))
    }
}

impl IntoFuture for Download {
    type Output = Result<Downloaded, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.send(|_, _| {}).await })
    }
}

impl std::fmt::Debug for Download {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address is signed.
        f.debug_struct("Download")
            .field("directory", &self.directory)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

fn accept(response: Response) -> Result<Response, Error> {
    let kind = match response.status().as_u16() {
        200 => return Ok(response),
        status @ (403 | 404 | 410) => ErrorKind::Expired { status },
        status => ErrorKind::Http { status },
    };
    Err(Error::new(CALL, kind).after(asked_wait(response.headers())))
}

fn next_hop(from: &Url, response: &Response, public_only: bool) -> Result<Url, Error> {
    let target = response.headers().get(LOCATION).and_then(|target| target.to_str().ok());
    let status = response.status().as_u16();
    let target = target.ok_or_else(|| Error::new(CALL, ErrorKind::Http { status }))?;
    let forbidden = |reason| Error::new(CALL, ErrorKind::Forbidden { reason });
    let to = from.join(target).map_err(|_| forbidden("the redirect is no address"))?;
    if from.scheme() == "https" && to.scheme() != "https" {
        return Err(forbidden("the redirect gives up encryption"));
    }
    guard::check(to.as_str(), public_only)
}
