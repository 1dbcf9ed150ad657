//! `rhub replay`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::ArgValueCandidates;
use runninghub::Speed;

use super::Shown;
use crate::{complete, speed};

/// Replay a recorded run
#[derive(Args, Debug)]
pub(crate) struct Replay {
    /// Task id, `last`, recording folder, one of its `.jsonl` files, or saved `--format json` output
    #[arg(value_name = "TASK_ID|DIR|FILE.jsonl", default_value = "last", add = ArgValueCandidates::new(complete::tasks))]
    pub(crate) recording: String,

    /// Workflow file to use instead of the recorded one
    #[arg(long, value_name = "FILE")]
    pub(crate) workflow: Option<PathBuf>,

    /// Speed factor, or `max` [default: 1 on a terminal, max elsewhere]
    #[arg(long, value_name = "N|max", value_parser = speed::parse)]
    pub(crate) speed: Option<Speed>,

    /// Prompt id, if there are several runs
    #[arg(long, value_name = "ID")]
    pub(crate) prompt: Option<String>,

    /// Client, if there are several
    ///
    /// `a` plays `ws-a.jsonl`, or `ws-a1.jsonl`, `ws-a2.jsonl` and so on as one client that reconnected.
    #[arg(long, value_name = "NAME")]
    pub(crate) stream: Option<String>,

    #[command(flatten)]
    pub(crate) shown: Shown,
}
