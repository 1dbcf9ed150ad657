//! `POST /upload/image`: files of every kind, whatever its name says.

use std::{path::Path, time::Duration};

use futures_util::TryStreamExt as _;
use reqwest::{
    Body,
    multipart::{Form, Part},
};
use tokio_util::io::ReaderStream;

use crate::{Client, Error, ErrorKind, http::Call};

/// Longest upload: a large video over a slow line.
const TIMEOUT: Duration = Duration::from_mins(30);

/// How much of the file is read at once.
const PIECE: usize = 64 << 10;

/// A file in the server's folder of inputs.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct UploadedImage {
    /// The name that it got; not the one it came with if another file has that.
    pub name: String,
    /// The folder below the folder of inputs; empty for none.
    pub subfolder: String,
}

impl UploadedImage {
    /// What a node's input takes: the name, with the folder before it.
    pub fn input(&self) -> String {
        if self.subfolder.is_empty() {
            self.name.clone()
        } else {
            format!("{}/{}", self.subfolder, self.name)
        }
    }
}

pub(crate) async fn post(client: &Client, path: &Path) -> Result<UploadedImage, Error> {
    const NAME: &str = "upload";
    let failed = |error| Error::new(NAME, ErrorKind::Io).because(error);
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    let length = file.metadata().await.map_err(failed)?.len();
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (watched, shown, mut bytes) = (client.clone(), name.clone(), 0);
    let mut tell = move |more: usize| {
        bytes += more as u64;
        watched.upload_progress(&shown, bytes, length);
    };
    tell(0);
    let pieces = ReaderStream::with_capacity(file, PIECE).inspect_ok(move |piece| tell(piece.len()));
    let part = Part::stream_with_length(Body::wrap_stream(pieces), length).file_name(name);
    let form = Form::new().part("image", part).text("type", "input");
    let call = Call { name: NAME, segments: &["upload", "image"] };
    let request = client.http().post(client.path(call.segments)).timeout(TIMEOUT).multipart(form);
    let answer = client.send(&call, "POST", None, request).await?;
    let told = answer.object()?;
    let text = |field: &str| told[field].as_str().unwrap_or_default().to_owned();
    let uploaded = UploadedImage { name: text("name"), subfolder: text("subfolder") };
    if uploaded.name.is_empty() { Err(answer.unexpected("name")) } else { Ok(uploaded) }
}
