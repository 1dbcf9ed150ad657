//! Tasks submitted from this machine.

use clap::{ArgGroup, Args};
use clap_complete::ArgValueCandidates;
use runninghub::{Sentence, ledger::State, say};

use crate::{
    complete,
    since::{self, Since},
};

fn state(text: &str) -> Result<State, Sentence> {
    let known = text.parse::<State>().ok();
    known.ok_or_else(|| say!("the states are {states}", states = State::ALL.map(State::as_str).join(", ")))
}

/// List tasks submitted from this machine, newest first.
#[derive(Args, Debug)]
#[command(after_long_help = "\
States: submitting, waiting (for a free slot), accepted, done, failed, cancelled, gone (no longer on the platform).
Refused and absent submits cost nothing. Unknown means that a task may exist; `rhub resolve` settles it.")]
pub(crate) struct Tasks {
    /// Only tasks with this text in their label or settings
    pub(crate) text: Option<String>,

    /// Only tasks submitted since this time: 2h, 7d, today, yesterday, 2026-11-29
    #[arg(long, value_name = "WHEN", value_parser = since::parse)]
    pub(crate) since: Option<Since>,

    /// Only tasks in this state
    #[arg(long, value_name = "STATE", value_parser = state)]
    pub(crate) state: Option<State>,

    /// Only tasks of this workflow, app or model
    #[arg(long, value_name = "ID")]
    pub(crate) workflow: Option<String>,

    /// Only tasks with this label
    #[arg(long, value_name = "TEXT")]
    pub(crate) label: Option<String>,

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
