//! Uploads of individual files to the platform.

use std::path::Path;

use runninghub_api::{UploadSource, UploadedFile, UploadedLora};

use crate::{Error, RunningHub};
use runninghub_core::say;

impl RunningHub {
    /// Uploads a file for workflows, AI apps and models.
    ///
    /// # Errors
    /// When the file cannot be read, is too large or of an unsupported type, or there is no response.
    pub async fn upload(&self, path: &Path) -> Result<UploadedFile, Error> {
        let upload = self.0.client.upload(UploadSource::path(path));
        upload.await.map_err(|error| Error::api(say!("cannot upload the file"), error))
    }

    /// Uploads a LoRA (a `.safetensors` file) under the given name or its file name. A file that the platform
    /// already has is not sent.
    ///
    /// # Errors
    /// When the file cannot be read or is of another type, or there is no response.
    pub async fn upload_lora(&self, path: &Path, name: Option<String>) -> Result<UploadedLora, Error> {
        let upload = self.0.client.upload_lora(path);
        let upload = match name {
            Some(name) => upload.named(name),
            None => upload,
        };
        upload.await.map_err(|error| Error::api(say!("cannot upload the LoRA"), error))
    }
}
