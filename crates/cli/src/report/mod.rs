//! One stream of events, four ways to show it.

mod account;
mod answer;
pub(crate) mod app;
mod batch;
mod batch_frame;
mod frame;
mod human;
mod json;
mod many;
mod model;
mod plain;
mod quiet;
mod reporter;
mod test;
pub(crate) mod text;

pub(crate) use self::{
    answer::key_kind,
    reporter::{Reporter, reporter},
};
use self::{human::Human, json::Json, plain::Plain, quiet::Quiet};
