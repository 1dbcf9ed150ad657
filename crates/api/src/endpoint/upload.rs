//! `POST /openapi/v2/media/upload/binary`: uploads a file for a workflow or a model.

use std::{
    fmt,
    io::{self, Cursor},
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use reqwest::multipart::{Form, Part};
use runninghub_core::{Sentence, Untrusted, say};
use serde::Deserialize;
use tokio::fs::File;

use super::{account::untrusted, into_future};
use crate::{
    Client, Code, Error, ErrorKind,
    http::{Answer, Call},
    lenient,
    uploads::Uploads,
};

/// Maximum file size, bytes: 30 MB according to the documentation. The server decides whether these are MB or MiB.
const LARGEST: u64 = 30 << 20;
/// The hint for a file of an unsupported type.
const TAKEN: Sentence =
    say!("supported file extensions: jpg, jpeg, png, webp, zip, mp3, wav, flac, mp4, avi, mov, mkv");
/// Upload timeout: 30 MB at 50 KB/s.
pub(crate) const TIMEOUT: Duration = Duration::from_mins(10);

/// Supported types by extension: images, archives of images, audio, video.
const KINDS: [&str; 12] =
    ["jpg", "jpeg", "png", "webp", "zip", "mp3", "wav", "flac", "mp4", "avi", "mov", "mkv"];

/// Uploads a file. Created by [`Client::upload`]. Sending it twice does no harm, so it is retried like a read
/// request.
#[derive(Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct UploadFile {
    client: Client,
    file: UploadSource,
}

/// The file to upload. The platform uses the extension of the name.
#[derive(Clone)]
pub struct UploadSource {
    name: String,
    content: Content,
    /// Additional form fields.
    fields: Vec<(&'static str, String)>,
}

#[derive(Clone)]
enum Content {
    Bytes(Bytes),
    Path(PathBuf),
}

impl UploadSource {
    /// Bytes in memory, under a name with an extension.
    pub fn bytes(name: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self { name: name.into(), content: Content::Bytes(bytes.into()), fields: Vec::new() }
    }

    /// A file, under its own name. It is reopened for each attempt.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { name, content: Content::Path(path), fields: Vec::new() }
    }

    /// Overrides the name.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// Adds a form field before the file.
    pub(crate) fn with(mut self, field: &'static str, value: &str) -> Self {
        self.fields.push((field, value.to_owned()));
        self
    }

    /// The request's body. The size is known before the first byte is sent.
    pub(crate) async fn form(&self, client: &Client) -> Result<Form, Error> {
        let net = client.net();
        let part = match &self.content {
            Content::Bytes(bytes) => {
                let size = bytes.len() as u64;
                let body = net.upload_body(&self.name, Cursor::new(bytes.clone()), size);
                Part::stream_with_length(body, size)
            }
            Content::Path(path) => {
                let failed = |error| Error::io(path.clone(), error);
                let file = File::open(path).await.map_err(failed)?;
                let size = file.metadata().await.map_err(failed)?.len();
                Part::stream_with_length(net.upload_body(&self.name, file, size), size)
            }
        };
        let form =
            self.fields.iter().fold(Form::new(), |form, (name, value)| form.text(*name, value.clone()));
        Ok(form.part("file", part.file_name(self.name.clone())))
    }

    /// Checks without sending it that the file exists, isn't empty or too large, and has a supported type.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for a file that fails the check,
    /// [`ErrorKind::Net`](crate::ErrorKind::Net) for one that cannot be accessed.
    pub fn check(&self) -> Result<(), Error> {
        if self.name.is_empty() {
            return Err(Error::usage(say!("the file has no name")).hinting(Some(TAKEN)));
        }
        let size = match &self.content {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Path(path) => {
                let failed = |error| Error::io(path.clone(), error);
                let found = std::fs::metadata(path).map_err(failed)?;
                if !found.is_file() {
                    return Err(failed(io::Error::other("it is not a file")));
                }
                found.len()
            }
        };
        let kind = Path::new(&self.name).extension().unwrap_or_default();
        if !KINDS.iter().any(|known| kind.eq_ignore_ascii_case(known)) {
            return Err(
                Error::usage(say!("the platform does not accept files of this type")).hinting(Some(TAKEN))
            );
        }
        match size {
            0 => Err(Error::usage(say!("the file is empty"))),
            size if size > LARGEST => {
                let error = Error::usage(say!("the file is larger than the 30 MB that can be uploaded"));
                Err(error.hinting(Code::FILE_TOO_LARGE.hint()))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for UploadSource {
    /// Without the form fields: one of them is the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadSource")
            .field("name", &self.name)
            .field("content", &self.content)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Path(path) => path.fmt(f),
        }
    }
}

/// The name by which a workflow's nodes find an uploaded file. Not a URL; see [`DownloadUrl`].
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct FileName(String);

impl FileName {
    pub(crate) fn new(name: String) -> Self {
        Self(name)
    }

    /// The name, for example `openapi/<hash>.png`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The signed URL by which models find an uploaded file, valid for a day. Not a name; see [`FileName`].
#[derive(Clone, Eq, PartialEq)]
pub struct DownloadUrl(String);

impl DownloadUrl {
    pub(crate) fn new(url: String) -> Self {
        Self(url)
    }

    /// The whole URL: for a model's parameter, not for logs.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DownloadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DownloadUrl(…)")
    }
}

/// An uploaded file.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct UploadedFile {
    /// For workflows and AI apps.
    pub file_name: FileName,
    /// For models.
    pub download_url: Option<DownloadUrl>,
    /// The type that the platform detected, for example `image`.
    pub kind: Option<Untrusted>,
    /// The received size, bytes.
    pub size: Option<u64>,
    /// It was in the cache ([`ClientBuilder::uploads`](crate::ClientBuilder::uploads)), and nothing was sent.
    pub was_known: bool,
}

impl Client {
    /// Uploads a file for a workflow or a model.
    pub fn upload(&self, file: UploadSource) -> UploadFile {
        UploadFile { client: self.clone(), file }
    }
}

impl UploadFile {
    async fn send(self) -> Result<UploadedFile, Error> {
        let call = Call::repeatable("upload", "/openapi/v2/media/upload/binary").timeout(TIMEOUT);
        self.file.check()?;
        let entry = self.entry().await;
        if let Some(uploaded) = entry.as_deref().and_then(Uploads::find) {
            return Ok(uploaded);
        }
        let uploaded = self.client.post_file(call, self.file, read).await.map_err(explained)?;
        if let (Some(uploads), Some(entry)) = (self.client.uploads(), entry) {
            uploads.keep(&entry, &uploaded);
        }
        Ok(uploaded)
    }

    /// The path of its cache entry, if it is a file and there is a cache.
    async fn entry(&self) -> Option<PathBuf> {
        self.client.uploads()?;
        let Content::Path(path) = &self.file.content else { return None };
        let (client, path, name) = (self.client.clone(), path.clone(), self.file.name.clone());
        let found = tokio::task::spawn_blocking(move || {
            client.uploads()?.entry(client.base_url(), client.key(), &path, &name).ok()
        });
        found.await.ok()?
    }
}

into_future!(UploadFile => UploadedFile);

/// A gateway in front of the platform may have its own limit, and respond with only a status.
pub(super) fn explained(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Http { status: 413 } => error.hinting(Code::FILE_TOO_LARGE.hint()),
        _ => error,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    #[serde(default, deserialize_with = "lenient::filled")]
    file_name: Option<String>,
    #[serde(default, rename = "download_url", deserialize_with = "lenient::filled")]
    download_url: Option<String>,
    #[serde(default, rename = "type", deserialize_with = "untrusted")]
    kind: Option<Untrusted>,
    #[serde(default, deserialize_with = "lenient::count")]
    size: Option<u64>,
}

fn read(answer: &Answer) -> Result<UploadedFile, Error> {
    let data: Data = answer.data()?;
    Ok(UploadedFile {
        file_name: data.file_name.map(FileName).ok_or_else(|| answer.unexpected("data.fileName"))?,
        download_url: data.download_url.map(DownloadUrl),
        kind: data.kind,
        size: data.size,
        was_known: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::tests::read_with;

    #[test]
    fn a_rejected_file_has_a_hint() {
        let check = |name: &str, size: usize| {
            let file = UploadSource::bytes(name, vec![0; size]);
            file.check().map_err(|error| error.hint())
        };
        assert_eq!(check("a.png", 1), Ok(()));
        assert_eq!(check("a.png", 0), Err(None), "what is empty needs no hint");
        assert_eq!(check("a.exe", 1), Err(Some(TAKEN)));
        assert_eq!(check("", 1), Err(Some(TAKEN)));
        let largest = usize::try_from(LARGEST).expect("small");
        assert!(
            check("a.png", largest + 1)
                .is_err_and(|hint| hint.is_some_and(|hint| hint.to_string().contains("smaller")))
        );
        let gateway = explained(Error::new(ErrorKind::Http { status: 413 }));
        assert!(gateway.hint().is_some_and(|hint| hint.to_string().contains("smaller")), "{gateway}");
    }

    #[test]
    fn the_two_names_of_a_file_do_not_mix() {
        let text = r#"{"code":0,"message":"success","data":{"type":"image","download_url":"https://h/a.png?sign=SECRET",
            "fileName":"openapi/ab.png","size":"3490"}}"#;
        let uploaded = read_with(text, read).expect("uploaded");
        assert_eq!((uploaded.file_name.as_str(), uploaded.size), ("openapi/ab.png", Some(3490)));
        assert!(!format!("{uploaded:?}").contains("SECRET"));
        read_with(r#"{"code":0,"data":{"download_url":"https://h/a"}}"#, read).expect_err("no name");
        read_with(r#"{"code":808,"data":null}"#, read).expect_err("failed");
    }
}
