//! One endpoint, one file, one method of [`Client`](crate::Client).
//!
//! To add one: an `async fn` that calls `post_legacy`, `post_v2`, `get_v2` or `post_file` with a function that parses the
//! response, and a row in `docs/endpoints.md`. A request with options is a builder instead: a struct that owns the client,
//! setters by value, `async fn send(self)`, and `into_future!`. A list is a [`page::List`].

pub(crate) mod account;
pub(crate) mod api_keys;
pub(crate) mod app;
pub(crate) mod app_list;
pub(crate) mod asset_groups;
pub(crate) mod assets;
pub(crate) mod cancel;
pub(crate) mod create;
pub(crate) mod created;
pub(crate) mod field_data;
mod into_future;
pub(crate) mod lora;
mod model;
pub(crate) mod model_price;
pub(crate) mod outputs;
pub(crate) mod page;
pub(crate) mod query;
pub(crate) mod queue_status;
pub(crate) mod quick_styles;
pub(crate) mod resources;
pub(crate) mod run_options;
pub(crate) mod status;
pub(crate) mod task_request;
pub(crate) mod upload;
pub(crate) mod upload_legacy;
pub(crate) mod webhook_detail;
pub(crate) mod webhook_retry;
pub(crate) mod workflow;

pub(crate) use into_future::into_future;
