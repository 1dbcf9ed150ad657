//! One file for each endpoint.

mod account_status;
mod api_key_list;
mod app_demo;
mod app_list;
mod app_run;
mod assets;
mod cancel;
mod create;
mod file;
mod lora;
mod model;
mod model_price;
mod outputs;
mod query;
mod queue_status;
mod quick_params;
mod resource_list;
mod routes;
mod run_v2;
mod status;
mod unknown;
mod upload;
mod upload_legacy;
mod view;
mod webhook_detail;
mod webhook_retry;
mod workflow_json;

pub(crate) use assets::Assets;
pub(crate) use outputs::outcome;
pub(crate) use query::task_object;
pub(crate) use routes::router;
use routes::{legacy_key, legacy_run, legacy_task, v2_key};
