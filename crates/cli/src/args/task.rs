//! Commands about one task.

use std::path::PathBuf;

use clap::Args;
use clap_complete::ArgValueCandidates;

use super::{Patience, Saving};
use crate::complete;

/// Follow a task that already runs, or is over.
#[derive(Args, Debug)]
pub(crate) struct Watch {
    /// The task's id, or `last` for the one submitted last from this machine
    #[arg(add = ArgValueCandidates::new(complete::tasks))]
    pub(crate) task_id: String,

    /// The workflow that it runs, for a percentage from the start
    #[arg(long, env = "RUNNINGHUB_WORKFLOW", value_name = "ID")]
    pub(crate) workflow: Option<String>,

    #[command(flatten)]
    pub(crate) saving: Saving,

    #[command(flatten)]
    pub(crate) patience: Patience,
}

// Without documentation, which would be the help of every command that takes it.
#[derive(Args, Debug)]
pub(crate) struct OneTask {
    /// The task's id, or `last` for the one submitted last from this machine
    #[arg(add = ArgValueCandidates::new(complete::tasks))]
    pub(crate) task_id: String,
}

/// Bring the results of a task home.
#[derive(Args, Debug)]
pub(crate) struct Download {
    /// The task's id, or `last` for the one submitted last from this machine
    #[arg(add = ArgValueCandidates::new(complete::tasks))]
    pub(crate) task_id: String,

    /// The folder for the results
    #[arg(short, long, env = "RUNNINGHUB_OUT", value_name = "DIR", default_value = ".")]
    pub(crate) out: PathBuf,

    /// How to name files; the parts task, node, n, name, subfolder and ext stand in braces, as in {name}-{n}.{ext}
    #[arg(long, env = "RUNNINGHUB_NAME", value_name = "TEMPLATE")]
    pub(crate) name: Option<String>,
}
