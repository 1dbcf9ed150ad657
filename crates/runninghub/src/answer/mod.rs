//! Answers to single requests, in the JSON of the published format: the fields of a [`Line`](crate::Line) that is not about
//! a run.

mod account;
mod app;
mod currency;
mod task;

pub use self::{
    account::{Account, Asset, AssetGroup, Balance, Key, Resource, ResourceFile, Slots, Tag},
    app::{App, AppChoice, AppField, Style, Webhook},
    currency::currency,
    task::{Price, Queue, Task, Upload, Workflow, WorkflowNode, time},
};
