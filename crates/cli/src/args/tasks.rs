//! What this machine has submitted.

use clap::{ArgGroup, Args};
use clap_complete::ArgValueCandidates;

use crate::complete;

/// List tasks submitted from this machine, newest first.
#[derive(Args, Debug)]
#[command(after_long_help = "\
States: submitting, waiting (for a free slot), accepted, done, failed, cancelled, gone (no longer on the platform).
Refused and absent submits cost nothing. Unknown means that a task may exist; `rhub resolve` settles it.")]
pub(crate) struct Tasks {
    /// Maximum number to show (0 = all)
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,

    /// Only tasks that have not ended
    #[arg(long)]
    pub(crate) open: bool,

    /// First update the tasks that have not ended
    #[arg(long)]
    pub(crate) refresh: bool,
}

/// Resolve a submit whose outcome is unknown.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("answer").required(true)))]
pub(crate) struct Resolve {
    /// Submit id from `rhub tasks`, or its beginning
    #[arg(add = ArgValueCandidates::new(complete::attempts))]
    pub(crate) attempt: String,

    /// The task was created, with this id
    #[arg(long, value_name = "ID", group = "answer")]
    pub(crate) task_id: Option<String>,

    /// No task was created, and nothing was charged
    #[arg(long, group = "answer")]
    pub(crate) not_created: bool,
}
