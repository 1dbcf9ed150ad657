//! Sources of rows: tables, JSON Lines, matrices of files and values, and jobs.

mod disk;
mod each;
mod job;
mod json;
mod lines;
mod source;
mod table;
mod text;

pub use disk::{Disk, Files};
pub use each::{Axis, Dimension};
pub use job::{Clock, Job, JobLimits, MaxFailures};
pub use source::{Format, Source};
