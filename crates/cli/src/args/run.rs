//! `rhub run`.

use std::path::PathBuf;

use clap::Args;

use super::{Machine, SubmitOptions};

/// Run a workflow and follow it to the end.
#[derive(Args, Debug)]
#[command(after_long_help = "\
The first Ctrl-C stops following and leaves the task running; it prints the commands to attach again and to cancel.")]
pub(crate) struct Run {
    /// Workflow id, page URL, JSON file in API format, or image
    ///
    /// An image has to be the original that ComfyUI saved: its metadata contain the workflow. `-` reads standard input.
    #[arg(required_unless_present = "from")]
    pub(crate) workflow: Option<String>,

    /// Repeat the run described by this file next to its results
    ///
    /// FILE is a manifest (`TASK.manifest.json`) or the `.run.json` of a batch's row. `--set` changes fields.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["workflow", "node_info_list", "under", "extra_pnginfo", "no_metadata"],
        hide_short_help = true
    )]
    pub(crate) from: Option<PathBuf>,

    /// Change a field; @FILE uploads a file
    ///
    /// NODE is an id or a unique title. VALUE is sent as JSON if it parses as JSON, else as text. `@FILE` uploads a file, `@@` stands for a literal `@`, and `random` draws a seed.
    #[arg(short, long, value_name = "NODE.FIELD=VALUE")]
    pub(crate) set: Vec<String>,

    /// Set a field to exactly this text
    #[arg(long, value_name = "NODE.FIELD=TEXT", hide_short_help = true)]
    pub(crate) set_text: Vec<String>,

    /// Changes as a nodeInfoList
    ///
    /// It is sent unchanged for a saved workflow, and written into the graph of a workflow file.
    #[arg(long, value_name = "JSON|@FILE", hide_short_help = true)]
    pub(crate) node_info_list: Option<String>,

    /// Saved workflow to submit a JSON file under
    #[arg(long, value_name = "ID", hide_short_help = true)]
    pub(crate) under: Option<String>,

    /// Workflow in the editor's format, for image metadata
    ///
    /// ComfyUI writes it into images, and some nodes read it.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(crate) extra_pnginfo: Option<PathBuf>,

    /// Don't embed the workflow in result files
    #[arg(long, hide_short_help = true)]
    pub(crate) no_metadata: bool,

    #[command(flatten)]
    pub(crate) machine: Machine,

    #[command(flatten)]
    pub(crate) submitting: SubmitOptions,
}
