//! One file for each endpoint.

mod account_status;
mod cancel;
mod create;
mod file;
mod model;
mod model_price;
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
pub(crate) use query::task_object;
pub(crate) use routes::router;
use routes::{legacy_key, legacy_run, legacy_task, v2_key};
