//! Downloads one or several files.

use std::{
    future::ready,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use futures_util::{FutureExt as _, Stream, StreamExt as _, future::BoxFuture, stream};
use tokio::sync::mpsc;

use super::{
    Files,
    file_name::sanitize,
    folder::blocking,
    partial::{Flushed, Partial, SavedFile, settle},
    transfer::Transfer,
};
use crate::{Error, ErrorKind};

/// Concurrent downloads: enough to hide the round trips, few enough not to be a burden.
const AT_ONCE: usize = 4;
/// Concurrent flushes, during other downloads: the disk flushes several files in the time of one.
const FLUSHED_AT_ONCE: usize = 16;
/// Number of files that are renamed in one batch, with one flush of the folder.
const NAMED_AT_ONCE: usize = 64;

/// Downloads one file into a directory. Created by [`Files::download`] and [`Files::save_bytes`].
///
/// The file gets its name only when it is complete and on disk. An existing file of the same name is never changed:
/// if it has the same content it is the result, else the new one becomes `name-2.ext`.
#[must_use = "a request does nothing until it is awaited"]
pub struct Download {
    files: Files,
    from: From,
    directory: PathBuf,
    name: String,
}

enum From {
    Content(Bytes),
    Url(String),
}

impl Files {
    /// Downloads a file. The directory is created if it is missing; the name is made safe with
    /// [`sanitize`](crate::sanitize).
    ///
    /// The URL and every redirect have to be `https` on a public host, unless the server that names the file is on
    /// this machine or [`NetOptions::allow_private_hosts`](crate::NetOptions::allow_private_hosts) is set.
    ///
    /// An interrupted download resumes if the server distinguishes versions of the file. On Linux that also applies
    /// to a download that another process left unfinished: parts of 1 MiB and more stay in the directory as
    /// `.rhub-*.part` until they are resumed, or for a week.
    ///
    /// If the server compresses a file (`Content-Encoding`) although plain content was requested, it is kept
    /// compressed, as `name.ext.gz`.
    ///
    /// # Errors
    /// [`ErrorKind::Expired`](crate::ErrorKind::Expired) for a link that has expired,
    /// [`ErrorKind::Forbidden`](crate::ErrorKind::Forbidden) for a URL that must not be requested,
    /// [`ErrorKind::Slow`](crate::ErrorKind::Slow) and [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) for a
    /// download that is too slow or too large, [`ErrorKind::Io`](crate::ErrorKind::Io) for errors of the disk.
    pub fn download(&self, url: &str, directory: &Path, file_name: &str) -> Download {
        self.bring(From::Url(url.to_owned()), directory, file_name)
    }

    /// Saves a result that is already here, with the same guarantees as a download.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) for errors of the disk.
    pub fn save_bytes(&self, content: impl Into<Bytes>, directory: &Path, file_name: &str) -> Download {
        self.bring(From::Content(content.into()), directory, file_name)
    }

    fn bring(&self, from: From, directory: &Path, file_name: &str) -> Download {
        Download { files: self.clone(), from, directory: directory.to_owned(), name: sanitize(file_name) }
    }

    /// Downloads several files, a few at a time, and yields each when it is done, with its position in the list.
    pub fn download_all(
        &self,
        downloads: Vec<Download>,
    ) -> impl Stream<Item = (usize, Result<SavedFile, Error>)> + Send {
        let (flush, mut flushing) = mpsc::channel(FLUSHED_AT_ONCE);
        let downloads: Vec<_> =
            downloads.into_iter().enumerate().map(|download| (download, flush.clone())).collect();
        drop(flush);
        let fetching = stream::iter(downloads)
            .map(move |((place, download), flush)| {
                async move {
                    let fetched = download.fetch().await;
                    // Flushing starts at once, and runs during other downloads.
                    let flushed = match fetched {
                        Ok(fetched) => fetched.flush().boxed(),
                        Err(error) => ready(Err(error)).boxed(),
                    };
                    // The receiver is only gone if the files are no longer wanted.
                    let _ = flush.send(async move { (place, flushed.await) }).await;
                }
            })
            .buffer_unordered(AT_ONCE)
            .filter_map(|()| ready(None));
        let naming = stream::poll_fn(move |context| flushing.poll_recv(context))
            .buffer_unordered(FLUSHED_AT_ONCE)
            .ready_chunks(NAMED_AT_ONCE)
            .then(|group| async move {
                let (places, files): (Vec<_>, Vec<_>) = group.into_iter().unzip();
                stream::iter(places.into_iter().zip(name_all(files).await))
            })
            .flatten();
        stream::select(fetching, naming)
    }
}

impl Download {
    async fn fetch(self) -> Result<Fetched, Error> {
        let Self { files, from, directory, name } = self;
        let (file, name) = match from {
            From::Url(url) => Transfer::new(&files, &url, directory.clone(), name).run().await?,
            From::Content(content) => {
                let mut file = Partial::create(&directory, None)?;
                file.write(content).await?;
                (file, name)
            }
        };
        Ok(Fetched { file, directory, name })
    }
}

/// A complete file that may not be flushed to disk yet.
struct Fetched {
    file: Partial,
    directory: PathBuf,
    name: String,
}

impl Fetched {
    fn flush(self) -> impl Future<Output = Result<Flushed, Error>> + Send + use<> {
        let Self { file, directory, name } = self;
        blocking(&directory, move || file.flush(name))
    }
}

async fn name_all(files: Vec<Result<Flushed, Error>>) -> Vec<Result<SavedFile, Error>> {
    let count = files.len();
    match blocking(Path::new(""), move || Ok(settle(files))).await {
        Ok(named) => named,
        // The task can only fail when the runtime shuts down.
        Err(_) => (0..count).map(|_| Err(Error::new(ErrorKind::Network))).collect(),
    }
}

impl IntoFuture for Download {
    type Output = Result<SavedFile, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let flushed = self.fetch().await?.flush().await?;
            let named = name_all(vec![Ok(flushed)]).await.pop();
            named.unwrap_or_else(|| Err(Error::new(ErrorKind::Network)))
        })
    }
}

impl std::fmt::Debug for Download {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URL is signed.
        f.debug_struct("Download")
            .field("directory", &self.directory)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
