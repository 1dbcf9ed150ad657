//! Options of all endpoints that run a workflow or an app.

use std::{fmt, str::FromStr};

use runninghub_core::say;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{Error, http::Call};

/// Seconds that a machine may be kept warm; the platform's limits.
const RETAIN: std::ops::RangeInclusive<u32> = 10..=180;

/// The size of the machine, by its GPU memory.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "lowercase")]
pub enum InstanceType {
    /// 24 GB.
    #[default]
    Default,
    /// 48 GB.
    Plus,
    /// 84 GB; known to newer clients only.
    Ultra,
}

impl InstanceType {
    /// The name in the API and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Plus => "plus",
            Self::Ultra => "ultra",
        }
    }
}

impl FromStr for InstanceType {
    type Err = Error;

    /// Parses `default`, `plus` or `ultra`.
    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "default" => Ok(Self::Default),
            "plus" => Ok(Self::Plus),
            "ultra" => Ok(Self::Ultra),
            _ => {
                Err(Error::usage(say!("it must be `default`, `plus` or `ultra`"))
                    .about(say!("instance type")))
            }
        }
    }
}

/// Options of a run. `None` means the platform's default.
#[derive(Clone, Default, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "camelCase")]
pub struct RunOptions {
    /// Whether images contain the workflow in their metadata; the platform's default is yes. Results of apps never
    /// do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub add_metadata: Option<bool>,
    /// A URL that the platform calls when the task is over. The call is not signed: put a secret into the URL's
    /// path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_url: Option<String>,
    /// The size of the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<InstanceType>,
    /// Whether to use the personal queue, for keys of dedicated machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_personal_queue: Option<bool>,
    /// Keeps the machine warm for 10 to 180 s after the task, for enterprise-shared keys. The time is billed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retain_seconds: Option<u32>,
    /// The password of an encrypted workflow or app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_password: Option<String>,
}

impl RunOptions {
    /// The options as fields of a body.
    pub(super) fn fields(&self) -> Result<Map<String, Value>, Error> {
        match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => Ok(fields),
            _ => Err(Error::usage(say!("a value cannot be written as JSON"))),
        }
    }

    pub(crate) fn check(&self, call: &Call) -> Result<(), Error> {
        if self.retain_seconds.is_some_and(|seconds| !RETAIN.contains(&seconds)) {
            return Err(call.usage(say!("`retainSeconds` is not between 10 and 180")));
        }
        Ok(())
    }
}

/// Checks that an id is safe as part of a path. An empty one would lead to another endpoint.
pub(super) fn check_id(call: &Call, id: &str) -> Result<(), Error> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if id.is_empty() || !id.bytes().all(fits) { Err(call.usage(say!("the id is invalid"))) } else { Ok(()) }
}

impl fmt::Debug for RunOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The webhook's URL and the password are secrets.
        f.debug_struct("RunOptions").field("instance_type", &self.instance_type).finish_non_exhaustive()
    }
}
