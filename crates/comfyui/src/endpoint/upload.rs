//! `POST /upload/image`: despite its name, for files of every type.

use std::{path::Path, time::Duration};

use super::features;
use crate::{Client, Error, ErrorKind, http::Call};
use reqwest::multipart::{Form, Part};

/// Upload timeout: enough for a large video over a slow connection.
const TIMEOUT: Duration = Duration::from_mins(30);

/// A file in the server's input folder.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct UploadedImage {
    /// Its name on the server, which differs from the original if another file has that name.
    pub name: String,
    /// The subfolder of the input folder; empty for none.
    pub subfolder: String,
}

impl UploadedImage {
    /// The value for a node's input: the subfolder and the name.
    pub fn input(&self) -> String {
        if self.subfolder.is_empty() {
            self.name.clone()
        } else {
            format!("{}/{}", self.subfolder, self.name)
        }
    }
}

/// Larger files are sent only if the server accepts them: its limit is 100 MB unless it was started with another.
const ASKS_FROM: u64 = 32 << 20;

/// Uploads a file.
pub(crate) async fn post(client: &Client, path: &Path) -> Result<UploadedImage, Error> {
    let failed = |error| Error::net(runninghub_net::Error::io(path, error));
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    let length = file.metadata().await.map_err(failed)?.len();
    let too_large = |limit| Error::new(ErrorKind::FileTooLarge { length, limit });
    if length > ASKS_FROM
        && let Ok(Some(limit)) = features::max_upload(client).await
        && length > limit
    {
        return Err(too_large(Some(limit)));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let body = client.net().upload_body(&name, file, length);
    let part = Part::stream_with_length(body, length).file_name(name);
    let form = Form::new().part("image", part).text("type", "input");
    let call = Call { name: "upload", segments: &["upload", "image"] };
    let request = client.pooled()?.post(client.request_url(call.segments)).timeout(TIMEOUT).multipart(form);
    let answer = client.send(&call, "POST", None, request).await?;
    if answer.status == 413 {
        return Err(too_large(None));
    }
    let body = answer.object()?;
    let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
    let uploaded = UploadedImage { name: text("name"), subfolder: text("subfolder") };
    if uploaded.name.is_empty() { Err(Error::unexpected("name")) } else { Ok(uploaded) }
}
