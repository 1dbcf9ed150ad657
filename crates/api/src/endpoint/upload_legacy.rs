//! `POST /task/openapi/upload`: a file for a workflow's loader nodes, as the older interface takes it.

use serde::Deserialize;

use super::{
    into_future,
    upload::{FileName, TIMEOUT, UploadSource},
};
use crate::{
    Client, Error,
    http::{Answer, Call},
    lenient,
};

/// Uploads a file. Made by [`Client::upload_legacy`]; [`Client::upload`] is the newer way, and tells an address for models
/// too. A name of a ZIP archive has neither folder nor extension here.
#[derive(Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct UploadLegacy {
    client: Client,
    file: UploadSource,
}

impl UploadLegacy {
    pub(crate) fn new(client: Client, file: UploadSource) -> Self {
        Self { client, file }
    }

    async fn send(self) -> Result<FileName, Error> {
        let call = Call::question("upload", "/task/openapi/upload").timeout(TIMEOUT);
        self.file.check(&call).await?;
        let file = self.file.with("apiKey", self.client.key().expose()).with("fileType", "input");
        self.client.post_file(call, file, read).await
    }
}

into_future!(UploadLegacy => FileName);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    #[serde(default, deserialize_with = "lenient::filled")]
    file_name: Option<String>,
}

fn read(answer: &Answer) -> Result<FileName, Error> {
    let data: Data = answer.data()?;
    data.file_name.map(FileName::new).ok_or_else(|| answer.unexpected("data.fileName"))
}
