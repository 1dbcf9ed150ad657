//! Commands about one task.

use std::path::PathBuf;

use clap::Args;
use clap_complete::ArgValueCandidates;

use super::{Patience, Saving};
use crate::complete;

/// Follow a running or finished task.
#[derive(Args, Debug)]
pub(crate) struct Watch {
    /// Task id, or `last` for the latest one from this machine
    #[arg(default_value = "last", add = ArgValueCandidates::new(complete::tasks))]
    pub(crate) task_id: String,

    /// Workflow that the task runs, for a percentage from the start
    #[arg(long, value_name = "ID")]
    pub(crate) workflow: Option<String>,

    #[command(flatten)]
    pub(crate) saving: Saving,

    #[command(flatten)]
    pub(crate) patience: Patience,
}

// Without documentation, which would be the help of every command that takes it.
#[derive(Args, Debug)]
pub(crate) struct OneTask {
    /// Task id, or `last` for the latest one from this machine
    #[arg(default_value = "last", add = ArgValueCandidates::new(complete::tasks))]
    pub(crate) task_id: String,
}

/// Download a task's results.
#[derive(Args, Debug)]
pub(crate) struct Download {
    /// Task id, or `last` for the latest one from this machine
    #[arg(default_value = "last", add = ArgValueCandidates::new(complete::tasks))]
    pub(crate) task_id: String,

    /// Folder for the results
    #[arg(short, long, env = "RUNNINGHUB_OUT", value_name = "DIR", default_value = ".")]
    pub(crate) out: PathBuf,

    /// File name template, such as `{task}-{name}.{ext}`
    ///
    /// The placeholders are task, node, n, name, subfolder and ext, each in braces.
    #[arg(long, value_name = "TEMPLATE")]
    pub(crate) name: Option<String>,
}

/// Cancel a task.
#[derive(Args, Debug)]
pub(crate) struct Cancel {
    /// Task id, or `last` for the latest one from this machine
    #[arg(add = ArgValueCandidates::new(complete::tasks))]
    pub(crate) task_id: String,
}
