//! Commands about one task.

use std::path::PathBuf;

use clap::Args;
use clap_complete::ArgValueCandidates;

use super::{FollowOptions, Machine, Saving, SubmitOptions};
use crate::complete;

/// Follow running or finished tasks.
#[derive(Args, Debug)]
pub(crate) struct Watch {
    #[command(flatten)]
    pub(crate) tasks: SomeTasks,

    /// All tasks submitted from this machine that have not ended
    #[arg(long, conflicts_with = "task_ids")]
    pub(crate) all: bool,

    /// Workflow that the task runs, for a percentage from the start
    #[arg(long, value_name = "ID")]
    pub(crate) workflow: Option<String>,

    #[command(flatten)]
    pub(crate) saving: Saving,

    #[command(flatten)]
    pub(crate) follow: FollowOptions,
}

// Without documentation, which would be the help of every command that takes it.
#[derive(Args, Debug)]
pub(crate) struct SomeTasks {
    /// Task ids, or `last` for the latest one from this machine
    #[arg(value_name = "TASK_ID", default_value = "last", add = ArgValueCandidates::new(complete::tasks))]
    pub(crate) task_ids: Vec<String>,
}

/// Download tasks' results.
#[derive(Args, Debug)]
pub(crate) struct Download {
    #[command(flatten)]
    pub(crate) tasks: SomeTasks,

    /// Folder for the results
    #[arg(short, long, env = "RUNNINGHUB_OUT", value_name = "DIR", default_value = ".")]
    pub(crate) out: PathBuf,

    /// File name template, such as `{task}-{name}.{ext}`
    ///
    /// The placeholders are task, node, n, name, subfolder and ext, each in braces.
    #[arg(long, value_name = "TEMPLATE")]
    pub(crate) name: Option<String>,
}

/// Run a task again, with changes.
#[derive(Args, Debug)]
#[command(after_long_help = "\
The ledger keeps what each run set, with drawn seeds. Webhook and password have to be given again.")]
pub(crate) struct Rerun {
    /// Task id, submit id, or `last` for the latest one from this machine
    #[arg(default_value = "last", add = ArgValueCandidates::new(complete::tasks))]
    pub(crate) task_id: String,

    /// Change a field; @FILE uploads a file
    ///
    /// Named as in the original command: NODE.FIELD of a workflow, NAME of an app or a model. `random` draws a new seed.
    #[arg(short, long, value_name = "FIELD=VALUE")]
    pub(crate) set: Vec<String>,

    /// Set a field to exactly this text
    #[arg(long, value_name = "NODE.FIELD=TEXT", hide_short_help = true)]
    pub(crate) set_text: Vec<String>,

    #[command(flatten)]
    pub(crate) machine: Machine,

    #[command(flatten)]
    pub(crate) submitting: SubmitOptions,
}

/// Open a task's saved results.
#[derive(Args, Debug)]
#[command(after_long_help = "One file is opened with its program, several as their folder.")]
pub(crate) struct Open {
    /// Task id, or `last` for the latest one from this machine
    #[arg(default_value = "last", add = ArgValueCandidates::new(complete::tasks))]
    pub(crate) task_id: String,

    /// Print the path without opening it
    #[arg(long)]
    pub(crate) print: bool,
}

/// Pack a task's recording for a bug report.
#[derive(Args, Debug)]
#[command(after_long_help = "\
The archive contains the redacted recording and the task's entry in the ledger. It contains no key, but the workflow with its texts.")]
pub(crate) struct Report {
    /// Task id, or `last` for the latest one from this machine
    #[arg(default_value = "last", add = ArgValueCandidates::new(complete::tasks))]
    pub(crate) task_id: String,

    /// Archive to write [default: named after the task]
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

/// Cancel tasks.
#[derive(Args, Debug)]
pub(crate) struct Cancel {
    /// Task ids, or `last` for the latest one from this machine
    #[arg(value_name = "TASK_ID", required_unless_present = "all", add = ArgValueCandidates::new(complete::tasks))]
    pub(crate) task_ids: Vec<String>,

    /// All tasks submitted from this machine that have not ended
    #[arg(long, conflicts_with = "task_ids")]
    pub(crate) all: bool,
}
