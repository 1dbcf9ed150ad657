//! The real binary, as users and programs see it.

mod account;
mod again;
mod apps;
mod bad_input;
mod batch;
mod batch_run;
mod canary;
mod cancel;
mod chinese;
mod comfy;
mod commands;
mod common;
mod document;
mod end_to_end;
mod event_files;
mod failures;
mod help;
mod lang;
mod ledger;
#[cfg(unix)]
mod live;
mod live_tests;
mod models;
#[cfg(all(unix, feature = "preview", feature = "sim"))]
mod pictures;
mod proxy;
#[cfg(unix)]
mod readers;
mod readme;
mod reasons;
mod replay;
mod results;
mod schema;
mod setup;
#[cfg(unix)]
mod signals;
mod transfers;
mod words;
mod workflow_tests;
