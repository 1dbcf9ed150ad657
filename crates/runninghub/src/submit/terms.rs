//! What every kind of submit can be told, and how it is paid for with that.

use std::{path::PathBuf, time::Duration};

use runninghub_api::{Created, RunOptions, UploadSource};
use runninghub_ledger::Digest;
use serde_json::Value;

use super::{
    check::cannot_upload,
    pay::{Paid, Payment},
    secret,
    step::{OnStep, SubmitStep},
};
use crate::{Error, book::What, hub::Hub};

/// What a field becomes.
pub(super) enum NewValue {
    Json(Value),
    /// The name or the address of this file, uploaded.
    File(PathBuf),
}

/// How something is run, whatever it is.
#[derive(Default)]
pub(super) struct Terms {
    pub(super) options: RunOptions,
    pub(super) queue_timeout: Option<Duration>,
    pub(super) on_step: Option<OnStep>,
}

/// The setters of a builder's `terms`: all of them, or those that models have too.
macro_rules! terms {
    (all $builder:ty) => {
        terms!(common $builder);

        impl $builder {
            /// The machine to run on.
            pub fn instance_type(mut self, instance: runninghub_api::InstanceType) -> Self {
                self.terms.options.instance_type = Some(instance);
                self
            }

            /// The password of what is encrypted.
            pub fn access_password(mut self, password: impl Into<String>) -> Self {
                self.terms.options.access_password = Some(password.into());
                self
            }

            /// Queues on the dedicated machines of an exclusive key.
            pub fn use_personal_queue(mut self, wanted: bool) -> Self {
                self.terms.options.use_personal_queue = Some(wanted);
                self
            }

            /// Keeps the machine warm afterwards, 10–180 s; billed.
            pub fn retain_seconds(mut self, seconds: u32) -> Self {
                self.terms.options.retain_seconds = Some(seconds);
                self
            }
        }
    };
    (common $builder:ty) => {
        impl $builder {
            /// An address that the platform calls when the task is over. It is not signed; `{secret}` in it stands for a random
            /// secret of this submit, by which a delivery can be told from a forged one, and settles a submit whose answer was
            /// lost ([`RunningHub::settle`](crate::RunningHub::settle)).
            pub fn webhook(mut self, url: impl Into<String>) -> Self {
                self.terms.options.webhook_url = Some(url.into());
                self
            }

            /// Gives up when the account has had no free slot for this long. The default is to wait for one.
            pub fn queue_timeout(mut self, timeout: std::time::Duration) -> Self {
                self.terms.queue_timeout = Some(timeout);
                self
            }

            /// Is told when it is sent, and before each wait for a free slot.
            pub fn on_step(mut self, call: impl Fn(crate::SubmitStep<'_>) + Send + Sync + 'static) -> Self {
                self.terms.on_step = Some(Box::new(call));
                self
            }
        }
    };
}

pub(super) use terms;

impl Terms {
    /// Pays for what `build` makes of the options; `body` is what it would send.
    pub(super) async fn pay<R>(
        &self,
        hub: &Hub,
        what: What<'_>,
        build: impl Fn(RunOptions) -> R,
        body: impl Fn(&R) -> Result<String, runninghub_api::Error>,
    ) -> Result<Paid, Error>
    where
        R: IntoFuture<Output = Result<Created, runninghub_api::Error>>,
    {
        let secret = secret::draw(hub, self.options.webhook_url.as_deref())?;
        self.keep_from_recording(hub);
        // Without the secret, so that the same request has the same digest every time.
        let body = body(&build(self.options.clone()))
            .map_err(|error| Error::api("the task was not created", error))?;
        let payment = Payment {
            hub,
            what,
            body: Digest::of(body),
            secret: secret.as_ref(),
            queue_timeout: self.queue_timeout,
            on_step: self.on_step.as_ref(),
        };
        let mut options = self.options.clone();
        if let (Some(secret), Some(url)) = (&secret, &mut options.webhook_url) {
            *url = secret::fill(url, secret);
        }
        payment.make(|| build(options.clone())).await
    }

    /// Reports something that is probably not meant, before anything is paid.
    pub(super) fn warn(&self, code: &'static str, message: &str) {
        if let Some(on_step) = &self.on_step {
            on_step(SubmitStep::Warning { code, message });
        }
    }

    /// An answer may repeat them.
    fn keep_from_recording(&self, hub: &Hub) {
        let Some(recorder) = &hub.recorder else { return };
        if let Some(url) = &self.options.webhook_url {
            recorder.address(url);
        }
        if let Some(password) = &self.options.access_password {
            recorder.secret(password);
        }
    }
}

impl Hub {
    /// Uploads a file; gives the name by which nodes find it.
    pub(super) async fn upload(&self, path: PathBuf) -> Result<String, Error> {
        let uploaded = self.client.upload(UploadSource::path(&path)).await;
        let uploaded = uploaded.map_err(|error| Error::api(&cannot_upload(&path), error))?;
        Ok(uploaded.file_name.as_str().to_owned())
    }
}
