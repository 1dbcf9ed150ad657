//! Options of commands that follow a task or download its results.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::Hidden;
use crate::duration;

/// The destination of results.
#[derive(Args, Clone, Debug)]
pub(crate) struct Saving {
    /// Download the results to this folder
    #[arg(short, long, env = "RUNNINGHUB_OUT", value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// File name template, such as `{task}-{name}.{ext}`
    ///
    /// The placeholders are task, node, n, name, subfolder and ext, each in braces.
    #[arg(long, value_name = "TEMPLATE", hide_short_help = true)]
    pub(crate) name: Option<String>,

    /// Also save intermediate results
    ///
    /// Files that nodes show during the run, and files that a failed task saved, go to the subfolder `intermediate`.
    #[arg(long, hide_short_help = true)]
    pub(crate) keep_intermediate: bool,
}

/// Options for following a run.
#[derive(Args, Clone, Debug)]
pub(crate) struct FollowOptions {
    /// Stop waiting after this long; the task continues
    #[arg(long, env = "RUNNINGHUB_TIMEOUT", value_name = "TIME", value_parser = duration::parse)]
    pub(crate) timeout: Option<Duration>,

    /// Cancel the task on Ctrl-C instead of detaching
    #[arg(long)]
    pub(crate) cancel_on_interrupt: bool,

    #[command(flatten)]
    pub(crate) recording: RecordingOptions,

    /// Ring the bell and notify at the end
    #[arg(long, hide_short_help = true)]
    pub(crate) notify: bool,

    #[command(flatten)]
    pub(crate) previews: Previews,
}

/// Whether the run is recorded.
#[derive(Args, Clone, Debug)]
pub(crate) struct RecordingOptions {
    /// Record the run, redacted, for `rhub replay`
    ///
    /// The folder must be new or empty.
    #[arg(long, value_name = "DIR")]
    pub(crate) record: Option<PathBuf>,

    /// Don't keep a recording for `rhub replay` and `rhub report`
    ///
    /// rhub keeps redacted recordings of the latest runs in the state folder: up to 100 of the last 30 days, and 200 MB.
    #[arg(long, hide_short_help = true)]
    pub(crate) no_recording: bool,

    /// Also record preview images, one a second
    ///
    /// They are most of a recording's size.
    #[arg(long, requires = "record", hide_short_help = true)]
    pub(crate) record_previews: bool,
}

/// Options for preview images.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Previews {
    /// Save preview images to this folder
    #[arg(long, value_name = "DIR", hide_short_help = true)]
    pub(crate) previews: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) shown: Shown,
}

/// How to show preview images.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct Shown {
    /// How to show preview images on a terminal
    #[cfg(feature = "preview")]
    #[arg(long, value_name = "HOW", value_enum, default_value_t, hide_short_help = true)]
    pub(crate) preview: crate::picture::PreviewMode,
}

/// Options of every run.
#[derive(Args, Clone, Debug)]
pub(crate) struct SubmitOptions {
    #[command(flatten)]
    pub(crate) saving: Saving,

    /// A name for the run, for `rhub tasks`
    #[arg(long, value_name = "TEXT")]
    pub(crate) label: Option<String>,

    /// Store only digests of the settings, not the values
    ///
    /// You can neither find such a run by its values nor repeat it.
    #[arg(long, hide_short_help = true)]
    pub(crate) private: bool,

    /// Create one task only, however often this runs with the same KEY
    ///
    /// A later run follows the task of the first one, and is refused if it would submit anything else. For scripts and cron jobs that may run twice.
    #[arg(long, value_name = "KEY", conflicts_with = "repeat", hide_short_help = true)]
    pub(crate) once: Option<String>,

    /// Run it this many times, one after the other
    ///
    /// It stops at the first run that doesn't succeed. Each run draws a new seed for `random`. `rhub batch` uses all slots.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..), hide_short_help = true)]
    pub(crate) repeat: u32,

    /// Submit without following
    #[arg(long)]
    pub(crate) detach: bool,

    /// Give up if no slot is free for this long [default: wait]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub(crate) queue_timeout: Option<Duration>,

    #[command(flatten)]
    pub(crate) follow: FollowOptions,

    /// Timeout of the submit request
    #[arg(long, env = "RUNNINGHUB_CREATE_TIMEOUT", value_name = "TIME", value_parser = duration::parse, default_value = "120s", hide_short_help = true)]
    pub(crate) create_timeout: Duration,

    /// URL that the platform calls when the task ends
    #[arg(
        long,
        env = "RUNNINGHUB_WEBHOOK",
        value_name = "URL",
        hide_env_values = true,
        hide_short_help = true
    )]
    pub(crate) webhook: Option<Hidden>,

    /// Skip confirmations
    #[arg(long, hide = true)]
    pub(crate) yes: bool,
}
