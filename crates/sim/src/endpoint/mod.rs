//! One file for each endpoint.

mod account_status;
mod cancel;
mod create;
mod file;
mod lora;
mod outputs;
mod query;
mod queue_status;
mod routes;
mod status;
mod unknown;
mod upload;
mod upload_legacy;
mod workflow_json;

pub(crate) use outputs::outcome;
pub(crate) use routes::router;
use routes::{legacy_key, legacy_task, v2_key};
