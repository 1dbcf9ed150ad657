//! A cache of uploads: the platform's names of files, while their URLs are valid.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use runninghub_core::Untrusted;
use runninghub_net::{digest, hex, open_file, replace_file};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    ApiKey, UploadedFile,
    endpoint::upload::{DownloadUrl, FileName},
};

/// Lifetime of an entry: URLs are valid for a day, and a task may be queued for a while before it reads the file.
const LIFE: Duration = Duration::from_hours(12);
/// Maximum entry size, bytes: a URL and a name.
const LONGEST: u64 = 64 << 10;

/// A folder with one small file for each upload.
#[derive(Debug)]
pub(crate) struct Uploads(PathBuf);

#[derive(Deserialize, Serialize)]
struct Kept {
    file_name: String,
    download_url: Option<String>,
    kind: Option<String>,
    size: Option<u64>,
    /// Seconds since 1970.
    until: u64,
}

impl Uploads {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self(dir)
    }

    /// The path of a file's entry: the same for equal contents and type, and different for each key and site. Reads
    /// the whole file.
    pub(crate) fn entry(&self, base_url: &str, key: &ApiKey, file: &Path, name: &str) -> io::Result<PathBuf> {
        let content: Sha256 = digest(&mut fs::File::open(file)?)?;
        let kind = Path::new(name).extension().unwrap_or_default().to_ascii_lowercase();
        let mut all = Sha256::new();
        for part in [base_url.as_bytes(), key.expose().as_bytes(), kind.as_encoded_bytes()] {
            all.update(part);
            all.update([0]);
        }
        all.update(content.finalize());
        Ok(self.0.join(format!("{}.json", hex(&all.finalize()))))
    }

    /// Reads an entry, unless it has expired.
    pub(crate) fn find(entry: &Path) -> Option<UploadedFile> {
        let file = open_file(entry).ok()?;
        let kept: Kept = serde_json::from_reader(io::Read::take(file, LONGEST)).ok()?;
        let now = now();
        // An expiry too far in the future was written while the clock was wrong.
        if !(now..=now + LIFE.as_secs()).contains(&kept.until) {
            return None;
        }
        Some(UploadedFile {
            file_name: FileName::new(kept.file_name),
            download_url: kept.download_url.map(DownloadUrl::new),
            kind: kept.kind.map(Untrusted::from),
            size: kept.size,
            was_known: true,
        })
    }

    /// Writes an entry, and removes old ones. Errors are ignored: the file is only sent again.
    pub(crate) fn keep(&self, entry: &Path, uploaded: &UploadedFile) {
        let kept = Kept {
            file_name: uploaded.file_name.as_str().to_owned(),
            download_url: uploaded.download_url.as_ref().map(|url| url.expose().to_owned()),
            kind: uploaded.kind.as_ref().map(|kind| kind.raw().to_owned()),
            size: uploaded.size,
            until: now() + LIFE.as_secs(),
        };
        let written = folder(&self.0).map_err(|error| error.to_string()).and_then(|()| {
            let text = serde_json::to_vec(&kept).map_err(|error| error.to_string())?;
            replace_file(entry, &text).map_err(|error| error.to_string())
        });
        if let Err(error) = written {
            tracing::debug!(error, "the upload is not remembered");
        }
        for old in fs::read_dir(&self.0).into_iter().flatten().flatten() {
            let age = old.metadata().and_then(|about| about.modified()).ok().and_then(|at| at.elapsed().ok());
            if age.is_some_and(|age| age > LIFE) && old.path().extension().is_some_and(|kind| kind == "json")
            {
                let _ = fs::remove_file(old.path());
            }
        }
    }
}

/// Creates the folder with access for the user only: the URLs in it are signed.
fn folder(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(dir)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
