//! The real binary, as users and programs see it.

mod bad_input;
mod canary;
mod commands;
mod common;
mod end_to_end;
mod help;
#[cfg(unix)]
mod live;
mod replay;
mod schema;
#[cfg(unix)]
mod signals;
