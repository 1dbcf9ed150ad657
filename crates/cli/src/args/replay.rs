//! `rhub replay`.

use std::path::PathBuf;

use clap::Args;
use runninghub::Speed;

use super::Shown;
use crate::speed;

/// Play a recording through the same machine and reporters as a live run
#[derive(Args, Debug)]
pub(crate) struct Replay {
    /// A recording: a folder or a single tape; or a file that `--format json` has written
    #[arg(value_name = "DIR|FILE.jsonl")]
    pub(crate) recording: PathBuf,

    /// The workflow in API format, instead of the recording's own
    #[arg(long, env = "RUNNINGHUB_WORKFLOW", value_name = "FILE")]
    pub(crate) workflow: Option<PathBuf>,

    /// So many times as fast, or `max` [default: 1 on a terminal, max elsewhere]
    #[arg(long, env = "RUNNINGHUB_SPEED", value_name = "N|max", value_parser = speed::parse)]
    pub(crate) speed: Option<Speed>,

    /// One run of several
    #[arg(long, env = "RUNNINGHUB_PROMPT", value_name = "ID")]
    pub(crate) prompt: Option<String>,

    /// One client of several: `a` plays ws-a.jsonl, or ws-a1, ws-a2, … as one that reconnected
    #[arg(long, env = "RUNNINGHUB_STREAM", value_name = "NAME")]
    pub(crate) stream: Option<String>,

    #[command(flatten)]
    pub(crate) shown: Shown,
}
