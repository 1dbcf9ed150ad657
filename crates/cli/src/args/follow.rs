//! Options of the commands that follow a task or bring its results home.

use std::{path::PathBuf, time::Duration};

use clap::{Args, builder::FalseyValueParser};

use super::Hidden;
use crate::duration;

/// Where results go.
#[derive(Args, Clone, Debug)]
pub(crate) struct Saving {
    /// Download the results into this folder
    #[arg(short, long, env = "RUNNINGHUB_OUT", value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// How to name files; the parts task, node, n, name, subfolder and ext stand in braces, as in {name}-{n}.{ext}
    #[arg(long, env = "RUNNINGHUB_NAME", value_name = "TEMPLATE")]
    pub(crate) name: Option<String>,

    /// Keep what nodes show on the way, and what a task that failed had saved, in a folder `intermediate` of that folder
    #[arg(long, env = "RUNNINGHUB_KEEP_INTERMEDIATE", value_parser = FalseyValueParser::new())]
    pub(crate) keep_intermediate: bool,
}

/// How long to watch, and what to leave behind.
#[derive(Args, Clone, Debug)]
pub(crate) struct Patience {
    /// Stop waiting after this long; the task goes on
    #[arg(long, env = "RUNNINGHUB_TIMEOUT", value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) timeout: Option<Duration>,

    /// Ctrl-C cancels the task instead of leaving it alone
    #[arg(long, env = "RUNNINGHUB_CANCEL_ON_INTERRUPT", value_parser = FalseyValueParser::new())]
    pub(crate) cancel_on_interrupt: bool,

    /// Keep a redacted recording in this new or empty folder, for `rhub replay`
    #[arg(long, env = "RUNNINGHUB_RECORD", value_name = "DIR")]
    pub(crate) record: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) previews: Previews,
}

/// What becomes of preview pictures.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Previews {
    /// Save the preview pictures into this folder
    #[arg(long, env = "RUNNINGHUB_PREVIEWS", value_name = "DIR")]
    pub(crate) previews: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) shown: Shown,
}

/// How preview pictures are shown.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct Shown {
    /// Show preview pictures on a terminal, this way
    #[cfg(feature = "preview")]
    #[arg(long, env = "RUNNINGHUB_PREVIEW", value_name = "HOW", value_enum, default_value_t)]
    pub(crate) preview: crate::picture::Wish,
}

/// What every run has in common.
#[derive(Args, Clone, Debug)]
pub(crate) struct Submitting {
    #[command(flatten)]
    pub(crate) saving: Saving,

    /// Submit, and do not follow
    #[arg(long, env = "RUNNINGHUB_DETACH", value_parser = FalseyValueParser::new())]
    pub(crate) detach: bool,

    /// Give up when the account has had no free slot for this long [default: wait]
    #[arg(long, env = "RUNNINGHUB_QUEUE_TIMEOUT", value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) queue_timeout: Option<Duration>,

    #[command(flatten)]
    pub(crate) patience: Patience,

    /// How long the submit itself may take
    #[arg(long, env = "RUNNINGHUB_CREATE_TIMEOUT", value_name = "DURATION", value_parser = duration::parse, default_value = "120s")]
    pub(crate) create_timeout: Duration,

    /// An address that the platform calls when the task is over
    #[arg(long, env = "RUNNINGHUB_WEBHOOK", value_name = "URL", hide_env_values = true)]
    pub(crate) webhook: Option<Hidden>,

    /// Never ask
    #[arg(long, env = "RUNNINGHUB_YES", value_parser = FalseyValueParser::new())]
    pub(crate) yes: bool,
}
