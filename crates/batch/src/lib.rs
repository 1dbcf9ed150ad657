#![doc = include_str!("../README.md")]
#![warn(clippy::expect_used, clippy::unwrap_used)]

mod compare;
mod door;
mod error;
mod estimate;
mod field;
mod figure;
mod fingerprint;
mod fit;
mod freeze;
mod item;
mod ledger;
mod likeness;
mod problem;
mod results;
mod row;
mod run;
mod schedule;
mod set;
mod steering;
mod template;

pub use compare::{
    Action, Change, Comparison, FieldChange, ItemState, NoState, OnChange, Policies, Recorded, Summary,
    Version, compare,
};
pub use door::{Axis, Clock, Dimension, Disk, Files, Format, Job, JobLimits, MaxFailures, Source};
pub use error::Error;
pub use estimate::{CostEstimate, Estimate, Past};
pub use figure::{Band, Durations, Overall, Rebased, Running, forecast};
pub use freeze::{Items, ReadDigest};
pub use item::{Item, ItemId, Setting, Target};
pub use problem::{At, KEPT, Problem, Problems};
pub use results::{
    Costs, Export, Failed, Head, ItemError, NodeTime, Record, Repeat, Report, ResultFile, Results, Timings,
};
pub use row::{Coordinate, Given, MAX_ROWS, Row, Rows};
pub use run::{BatchRun, Begin, Keeper, Key, News, Over, Setup, is_running};
pub use runninghub::ledger::Digest;
#[doc(no_inline)]
pub use runninghub_core::{Amount, NoAmount};
pub use schedule::{Decision, Event, Fault, Limits, Paused, Schedule, Standing, Tally, Waiting, Work};
pub use set::Set;
