//! What this machine has submitted.

use clap::{ArgGroup, Args, builder::FalseyValueParser};
use clap_complete::ArgValueCandidates;

use crate::complete;

/// List what this machine has submitted, the newest first.
#[derive(Args, Debug)]
#[command(after_help = "\
States: submitting, waiting (for a free slot), accepted, done, failed, cancelled, gone (forgotten by the platform).
Refused and absent ones cost nothing. Unknown: nobody knows whether there is a task; `rhub resolve` settles it.")]
pub(crate) struct Tasks {
    /// Show at most so many; 0 for all
    #[arg(short = 'n', long, env = "RUNNINGHUB_LIMIT", value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,

    /// Only those that are not over
    #[arg(long, env = "RUNNINGHUB_OPEN", value_parser = FalseyValueParser::new())]
    pub(crate) open: bool,

    /// Ask the platform about those that are not over first
    #[arg(long, env = "RUNNINGHUB_REFRESH", value_parser = FalseyValueParser::new())]
    pub(crate) refresh: bool,
}

/// Settle a submit of unknown outcome.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("answer").required(true)))]
pub(crate) struct Resolve {
    /// The submit, as `rhub tasks` names it; the beginning of its name is enough
    #[arg(add = ArgValueCandidates::new(complete::attempts))]
    pub(crate) attempt: String,

    /// There is a task, and this is its id
    #[arg(long, env = "RUNNINGHUB_TASK_ID", value_name = "ID", group = "answer")]
    pub(crate) task_id: Option<String>,

    /// There is no task: nothing was created and nothing charged
    #[arg(long, env = "RUNNINGHUB_NOT_CREATED", value_parser = FalseyValueParser::new(), group = "answer")]
    pub(crate) not_created: bool,
}
