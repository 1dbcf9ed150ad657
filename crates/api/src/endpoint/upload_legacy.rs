//! `POST /task/openapi/upload`: uploads a file for a workflow's loader nodes, with the older endpoint.

use serde::Deserialize;

use super::upload::{FileName, TIMEOUT, UploadSource, explained};
use crate::{
    Client, Error,
    http::{Answer, Call},
    lenient,
};

impl Client {
    /// Uploads a file for workflows; prefer [`Client::upload`], which is newer and also returns a URL for models. The name of a
    /// ZIP archive has neither folder nor extension here.
    ///
    /// # Errors
    /// When there is no response, or the platform refuses the request.
    pub async fn upload_legacy(&self, file: UploadSource) -> Result<FileName, Error> {
        let call = Call::repeatable("upload", "/task/openapi/upload").timeout(TIMEOUT);
        file.check()?;
        let file = file.with("apiKey", self.key().expose()).with("fileType", "input");
        self.post_file(call, file, read).await.map_err(explained)
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    #[serde(default, deserialize_with = "lenient::filled")]
    file_name: Option<String>,
}

fn read(answer: &Answer) -> Result<FileName, Error> {
    let envelope = answer.success()?;
    let data: Data = lenient::object(envelope.data).unwrap_or_default();
    // Older clients have seen responses with only the name.
    let name = data.file_name.or_else(|| lenient::scalar(envelope.data));
    name.map(FileName::new).ok_or_else(|| answer.unexpected("data.fileName"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::tests::read_with;

    #[test]
    fn names_are_read_from_objects_and_plain_text() {
        for text in [
            r#"{"code":0,"msg":"success","data":{"fileName":"api/ab.png","fileType":"input"}}"#,
            r#"{"code":0,"msg":"success","data":"api/ab.png"}"#,
        ] {
            assert_eq!(read_with(text, read).expect(text).as_str(), "api/ab.png");
        }
        for text in [r#"{"code":0,"data":{}}"#, r#"{"code":0,"data":null}"#, r#"{"code":808,"data":null}"#] {
            read_with(text, read).expect_err(text);
        }
    }
}
