#![doc = include_str!("../README.md")]
#![warn(clippy::expect_used, clippy::unwrap_used)]

mod amount;
mod compare;
mod digest;
mod door;
mod error;
mod field;
mod figure;
mod fingerprint;
mod freeze;
mod item;
mod likeness;
mod problem;
mod row;
mod schedule;
mod set;
mod steering;
mod template;

pub use amount::{Amount, NoAmount};
pub use compare::{
    Action, Change, Comparison, FieldChange, ItemState, NoState, OnChange, Policies, Recorded, Summary,
    Version, compare,
};
pub use digest::{Digest, NoDigest};
pub use door::{Axis, Clock, Dimension, Disk, Files, Job, JobLimits, MaxFailures};
pub use error::Error;
pub use figure::{Band, Durations, Overall, Rebased, Running, forecast};
pub use freeze::{Items, ReadDigest};
pub use item::{Item, ItemId, Setting, Target};
pub use problem::{At, KEPT, Problem, Problems};
pub use row::{Given, MAX_ROWS, Row, Rows};
pub use schedule::{
    Decision, Event, Fault, Limits, Paused, Rate, Schedule, Slots, Standing, Tally, Waiting, Work,
};
pub use set::Set;
