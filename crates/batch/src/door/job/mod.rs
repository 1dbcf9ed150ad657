//! A batch as a TOML file.

mod draft;
mod expand;
mod file;
mod limits;
mod reader;

pub use file::Job;
pub use limits::{Clock, JobLimits, MaxFailures};
