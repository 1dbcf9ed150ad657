//! The download of one file: resumed after an interruption, and never assembled from two versions.

use std::path::{Path, PathBuf};

use reqwest::{
    Response,
    header::{ACCEPT_ENCODING, HeaderValue, IF_RANGE, LOCATION, RANGE},
};
use runninghub_core::say;
use tokio::time::sleep;
use url::Url;

use super::{
    Files,
    file_name::sanitize,
    folder::{blocking, free_space},
    pace::Pace,
    partial::Partial,
    version::Version,
};
use crate::{
    Direction, Error, ErrorKind, FileProgress, Login, asked_wait, guard::Guard, may_repeat, start_pauses,
};

/// Maximum number of redirects.
const HOPS: usize = 5;
/// An attempt with this many new bytes counts as progress: the number of attempts is reset.
const PROGRESS: u64 = 64 << 10;

/// Maximum number of attempts, however far each of them gets.
const ATTEMPTS: u32 = 200;
/// Number of bytes to leave free for records of runs and other programs; less for a file that is smaller itself.
const RESERVE: u64 = 64 << 20;

/// A download and its state.
pub(super) struct Transfer<'f> {
    files: &'f Files,
    url: &'f str,
    directory: PathBuf,
    name: String,
    part: Option<Part>,
    /// Whether it has looked for another process's part.
    has_looked: bool,
}

struct Part {
    file: Partial,
    version: Version,
}

impl Part {
    fn is_whole(&self) -> bool {
        self.version.total == Some(self.file.bytes())
    }
}

impl<'f> Transfer<'f> {
    pub(super) fn new(files: &'f Files, url: &'f str, directory: PathBuf, name: String) -> Self {
        Self { files, url, directory, name, part: None, has_looked: false }
    }

    /// Downloads the whole file. Returns the content and its name.
    pub(super) async fn run(mut self) -> Result<(Partial, String), Error> {
        let result = self.attempts().await;
        let (bytes, total) =
            self.part.as_ref().map_or((0, None), |part| (part.file.bytes(), part.version.total));
        report(self.files, &self.name, bytes, total, true);
        result?;
        let Some(Part { file, version }) = self.part else {
            return Err(Error::new(ErrorKind::Network));
        };
        let name = version.encoding.map_or(self.name.clone(), |packed| packed_name(&self.name, &packed));
        Ok((file, name))
    }

    async fn attempts(&mut self) -> Result<(), Error> {
        let (mut left, mut tried, mut furthest, mut attempts) = (start_pauses(), 0, 0, 0);
        while let Err(error) = self.attempt().await {
            attempts += 1;
            if !error.kind().is_transient() || attempts >= ATTEMPTS {
                return Err(error);
            }
            let bytes = self.part.as_ref().map_or(0, |part| part.file.bytes());
            if bytes >= furthest + PROGRESS {
                (left, tried, furthest) = (start_pauses(), 0, bytes);
            }
            let pause = left.next().filter(|_| may_repeat(&error, &mut tried));
            let Some(pause) = pause else { return Err(error) };
            let pause = pause.max(error.retry_after().unwrap_or_default()).mul_f64(self.files.time_scale());
            tracing::debug!(%error, ?pause, bytes, "fetching again");
            sleep(pause).await;
        }
        Ok(())
    }

    /// One request for the missing bytes, including its body.
    async fn attempt(&mut self) -> Result<(), Error> {
        let mut response = loop {
            if self.part.as_ref().is_some_and(Part::is_whole) {
                return Ok(());
            }
            let rest = self.rest();
            let is_rest = rest.is_some();
            let response = self.open(rest).await?;
            if self.begins(&response, is_rest).await? {
                break response;
            }
        };
        let limit = self.files.net().max_file_size();
        let mut pace = Pace::new(self.files.time_scale());
        let Some(Part { file, version }) = &mut self.part else {
            return Err(Error::new(ErrorKind::Network));
        };
        let (files, name, total) = (self.files, &*self.name, version.total);
        let report = |bytes| report(files, name, bytes, total, false);
        report(file.bytes());
        let directory = &*self.directory;
        if let Some(total) = total {
            check_room(directory, Some(total.saturating_sub(file.bytes()))).await?;
        }
        let mut unchecked = 0;
        while let Some(piece) = pace.next(&mut response).await? {
            // Without a length, or if others write to the disk too, the room may change.
            unchecked += piece.len() as u64;
            if unchecked >= RESERVE {
                unchecked = 0;
                check_room(directory, total.map(|total| total.saturating_sub(file.bytes()))).await?;
            }
            if file.bytes().saturating_add(piece.len() as u64) > version.total.unwrap_or(u64::MAX).min(limit)
            {
                self.restart();
                return Err(too_large(limit));
            }
            file.write(piece).await?;
            report(file.bytes());
        }
        // A server may send less than its header says, and a proxy may truncate silently.
        if version.total.is_some_and(|total| total != file.bytes()) {
            return Err(Error::new(ErrorKind::Network));
        }
        if file.is_stray_page(&self.name) {
            self.restart();
            return Err(Error::new(ErrorKind::Page));
        }
        Ok(())
    }

    /// The range to request if there is a part: where it ends, and the version that the rest has to match.
    fn rest(&self) -> Option<(u64, HeaderValue)> {
        let Part { file, version } = self.part.as_ref().filter(|part| part.file.bytes() > 0)?;
        Some((file.bytes(), version.validator()?.clone()))
    }

    /// Whether to read the body of the response; otherwise another request is needed. At most two are: after the
    /// first, either the part was discarded or it is another process's, which is looked for only once.
    async fn begins(&mut self, response: &Response, is_rest: bool) -> Result<bool, Error> {
        match (response.status().as_u16(), &self.part) {
            (206, Some(Part { file, version })) if is_rest => {
                let fits = version.continues(file.bytes(), response.headers());
                if !fits {
                    self.restart();
                }
                Ok(fits)
            }
            (412 | 416, _) if is_rest => {
                self.restart();
                Ok(false)
            }
            (200, _) => {
                self.restart();
                let version = Version::of(response.headers());
                let limit = self.files.net().max_file_size();
                if version.total.is_some_and(|total| total > limit) {
                    return Err(too_large(limit));
                }
                self.begin(version).await
            }
            (status, _) => {
                let kind = match status {
                    403 | 404 | 410 => ErrorKind::Expired { status },
                    status => ErrorKind::Http { status },
                };
                Err(Error::new(kind).after(asked_wait(response.headers())))
            }
        }
    }

    /// Creates a file, or takes over another process's part; returns whether it is new.
    async fn begin(&mut self, version: Version) -> Result<bool, Error> {
        let name = Url::parse(self.url).ok().and_then(|url| version.part_name(&url));
        let is_first = !std::mem::replace(&mut self.has_looked, true);
        if let (true, Some(name)) = (is_first, name.clone()) {
            let directory = self.directory.clone();
            let found = blocking(&self.directory, move || Ok(Partial::adopt(&directory, &name))).await?;
            match found {
                Some(file) if file.bytes() > 0 && Some(file.bytes()) <= version.total => {
                    tracing::debug!(bytes = file.bytes(), "going on with an earlier download");
                    self.part = Some(Part { file, version });
                    return Ok(false);
                }
                Some(file) => file.discard(),
                None => {}
            }
        }
        let file = Partial::create(&self.directory, name.as_deref())?;
        self.part = Some(Part { file, version });
        Ok(true)
    }

    fn restart(&mut self) {
        if let Some(part) = self.part.take() {
            part.file.discard();
        }
    }

    /// Follows redirects, checking every URL before it is requested.
    async fn open(&self, rest: Option<(u64, HeaderValue)>) -> Result<Response, Error> {
        let guard = self.files.guard();
        let mut url = guard.check(self.url)?;
        for _ in 0..=HOPS {
            self.files.vet(&url).await?;
            let client = self.files.client(url.scheme() == "http")?;
            // A compressed file could not be resumed, and nothing here decompresses it.
            let login = self.files.net().login(&url);
            let mut address = url.clone();
            login.inspect(|login| login.complete(&mut address));
            let mut request = client.get(address).header(ACCEPT_ENCODING, "identity");
            if let Some((name, value)) = login.and_then(Login::as_header) {
                request = request.header(name, value);
            }
            if let Some((from, validator)) = &rest {
                request = request.header(RANGE, format!("bytes={from}-")).header(IF_RANGE, validator);
            }
            let response = request.send().await.map_err(Error::request)?;
            let status = response.status();
            tracing::debug!(host = url.host_str(), status = status.as_u16(), "fetching");
            if !status.is_redirection() {
                return Ok(response);
            }
            let target = response.headers().get(LOCATION).and_then(|target| target.to_str().ok());
            let status = status.as_u16();
            let target = target.ok_or_else(|| Error::new(ErrorKind::Http { status }))?;
            url = next_hop(&url, target, guard)?;
        }
        Err(Error::new(ErrorKind::Forbidden { reason: say!("too many redirects") }))
    }
}

/// Checks that the disk has room for this many more bytes, or for any at all if the number is unknown.
async fn check_room(directory: &Path, missing: Option<u64>) -> Result<(), Error> {
    let folder = directory.to_owned();
    let free = blocking(directory, move || Ok(free_space(&folder))).await?;
    let wanted = missing.map_or(RESERVE, |missing| missing.saturating_add(missing.min(RESERVE)));
    match free {
        Some(free) if free < wanted => {
            Err(Error::new(ErrorKind::Full { needed: missing.unwrap_or_default(), free }))
        }
        _ => Ok(()),
    }
}

fn report(files: &Files, name: &str, bytes: u64, total: Option<u64>, is_over: bool) {
    files.net().file_progress(FileProgress { direction: Direction::Down, name, bytes, total, is_over });
}

fn too_large(limit: u64) -> Error {
    Error::new(ErrorKind::TooLarge { limit })
}

/// The name for a file that arrived compressed although plain content was requested. It is kept compressed, since
/// the decompressed size is unbounded, and the name says so.
fn packed_name(name: &str, encoding: &str) -> String {
    let extension = match encoding {
        "gzip" | "x-gzip" => "gz",
        "br" => "br",
        "zstd" => "zst",
        _ => "packed",
    };
    sanitize(&format!("{name}.{extension}"))
}

fn next_hop(from: &Url, target: &str, guard: &Guard) -> Result<Url, Error> {
    let forbidden = |reason| Error::new(ErrorKind::Forbidden { reason });
    let to = from.join(target).map_err(|_| forbidden(say!("the redirect is not a valid URL")))?;
    if from.scheme() == "https" && to.scheme() != "https" {
        return Err(forbidden(say!("the redirect drops encryption")));
    }
    guard.check(to.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_never_drop_encryption_or_reach_private_addresses() {
        let hop = |from: &str, target: &str, public_only| {
            next_hop(&Url::parse(from).expect("a URL"), target, &Guard::new(public_only, &[]))
                .map(String::from)
        };
        for (target, to) in [
            ("/b?c", "https://8.8.8.8/b?c"),
            ("b", "https://8.8.8.8/a/b"),
            ("//8.8.4.4/b", "https://8.8.4.4/b"),
            ("https://8.8.4.4/", "https://8.8.4.4/"),
        ] {
            assert_eq!(hop("https://8.8.8.8/a/", target, true).expect(target), to);
        }
        for bad in [
            "http://8.8.4.4/",
            "file:///etc/passwd",
            "data:text/plain,a",
            "ftp://8.8.4.4/",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://[::ffff:10.0.0.1]/",
            "https://localhost/",
            "https://[fd00::1]/",
            "https://100.64.0.1/",
            "https://[",
        ] {
            hop("https://8.8.8.8/", bad, true).expect_err(bad);
        }
        hop("https://127.0.0.1/", "http://127.0.0.1/", false).expect_err("no encryption any more");
        hop("http://127.0.0.1/", "http://127.0.0.1/b", false).expect("a lab");
    }

    #[test]
    fn a_packed_file_is_named_so() {
        for (encoding, name) in
            [("gzip", "a.png.gz"), ("br", "a.png.br"), ("zstd", "a.png.zst"), ("../x", "a.png.packed")]
        {
            assert_eq!(packed_name("a.png", encoding), name);
        }
    }
}
