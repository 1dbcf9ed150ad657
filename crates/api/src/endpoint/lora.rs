//! `POST /api/openapi/getLoraUploadUrl`, and a `PUT` to the URL that it returns: uploads a LoRA of your own (the
//! section "LoRA upload" of the documentation).

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use md5::{Digest as _, Md5};
use runninghub_core::say;
use runninghub_net::{digest, hex};
use serde::Deserialize;
use serde_json::json;

use super::{into_future, upload::FileName};
use crate::{
    Client, Error, ErrorKind,
    http::{Answer, Call},
    lenient,
};

/// Upload timeout: the lifetime of the signed URL.
const TIMEOUT: Duration = Duration::from_hours(1);
/// The only format that the platform's loader reads.
const EXTENSION: &str = "safetensors";

/// Uploads a LoRA, unless the platform has a file with the same MD5. Created by [`Client::upload_lora`]. Sending it
/// twice does no harm.
#[derive(Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct UploadLora {
    client: Client,
    path: PathBuf,
    name: Option<String>,
}

/// A LoRA on the platform.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct UploadedLora {
    /// For the field `file_name` of the node `RHLoraLoader`; no other node finds it.
    pub file_name: FileName,
    /// The platform already had it, and nothing was sent.
    pub was_there: bool,
}

impl Client {
    /// Uploads a LoRA of your own, a `.safetensors` file, for the node `RHLoraLoader`.
    pub fn upload_lora(&self, path: impl Into<PathBuf>) -> UploadLora {
        UploadLora { client: self.clone(), path: path.into(), name: None }
    }
}

impl UploadLora {
    /// Overrides the file's name.
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    async fn send(self) -> Result<UploadedLora, Error> {
        let Self { client, path, name } = self;
        if !path.extension().is_some_and(|kind| kind.eq_ignore_ascii_case(EXTENSION)) {
            return Err(Error::usage(say!("the file is not a `.safetensors` file")));
        }
        let name =
            name.or_else(|| Some(path.file_stem()?.to_string_lossy().into_owned())).unwrap_or_default();
        let hashed = path.clone();
        let sum =
            tokio::task::spawn_blocking(move || md5_of(&hashed)).await.map_err(io::Error::other).flatten();
        let sum = sum.map_err(|error| Error::io(&path, error))?;
        let body = json!({ "loraName": name, "md5Hex": sum });
        let call = Call::repeatable("LoRA upload", "/api/openapi/getLoraUploadUrl");
        let (file_name, url) = client.post_legacy(call, &body, read).await?;
        let was_there = url.is_none();
        if let Some(url) = url {
            client.repeat(|| put(&client, &url, &path)).await?;
        }
        Ok(UploadedLora { file_name, was_there })
    }
}

into_future!(UploadLora => UploadedLora);

/// Sends the file to the store, which is another host: API headers are not sent, since the signature covers only the
/// host, and the store must not get the key.
async fn put(client: &Client, url: &str, path: &Path) -> Result<(), Error> {
    match client.files().put(url, path, TIMEOUT).await? {
        200..=299 => Ok(()),
        status => Err(Error::new(ErrorKind::Http { status })),
    }
}

/// The MD5 of a file, 32 hexadecimal digits: the platform identifies files by it.
fn md5_of(path: &Path) -> io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    Ok(hex(&digest::<Md5>(&mut file)?.finalize()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    #[serde(default, deserialize_with = "lenient::filled")]
    file_name: Option<String>,
    #[serde(default, deserialize_with = "lenient::filled")]
    url: Option<String>,
}

/// The name, and the upload URL; `None` if the platform already has the file.
fn read(answer: &Answer) -> Result<(FileName, Option<String>), Error> {
    let data: Data = answer.data()?;
    let name = data.file_name.ok_or_else(|| answer.unexpected("data.fileName"))?;
    Ok((FileName::new(name), data.url))
}
