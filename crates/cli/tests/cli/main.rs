//! The real binary, as users and programs see it.

mod apps;
mod bad_input;
mod canary;
mod commands;
mod common;
mod end_to_end;
mod help;
mod ledger;
#[cfg(unix)]
mod live;
mod proxy;
mod replay;
mod results;
mod schema;
#[cfg(unix)]
mod signals;
