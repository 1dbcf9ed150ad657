//! `rhub run`.

use std::path::PathBuf;

use clap::{Args, builder::FalseyValueParser};

use super::{Machine, Submitting};

/// Submit a workflow and follow it to the end.
#[derive(Args, Debug)]
#[command(after_help = "\
The first Ctrl-C stops watching and leaves the task alone; it prints the commands that attach again and that cancel.")]
pub(crate) struct Run {
    /// A workflow id, the address of its page, or a JSON file in API format
    pub(crate) workflow: String,

    /// Change a field before the run; NODE is an id or a unique title, VALUE is JSON or else text, @FILE uploads
    #[arg(short, long, env = "RUNNINGHUB_SET", value_name = "NODE.FIELD=VALUE")]
    pub(crate) set: Vec<String>,

    /// The API's own list of changes: sent as it is for a saved workflow, written into a graph from a file
    #[arg(long, env = "RUNNINGHUB_NODE_INFO_LIST", value_name = "JSON|@FILE", hide_env_values = true)]
    pub(crate) node_info_list: Option<String>,

    /// The saved workflow that a JSON file is submitted under
    #[arg(long, env = "RUNNINGHUB_UNDER", value_name = "ID")]
    pub(crate) under: Option<String>,

    /// The workflow in the editor's format (JSON), for nodes of a server that read it and for the metadata of images
    #[arg(long, env = "RUNNINGHUB_EXTRA_PNGINFO", value_name = "FILE")]
    pub(crate) extra_pnginfo: Option<PathBuf>,

    /// Leave the workflow out of the result files
    #[arg(long, env = "RUNNINGHUB_NO_METADATA", value_parser = FalseyValueParser::new())]
    pub(crate) no_metadata: bool,

    #[command(flatten)]
    pub(crate) machine: Machine,

    #[command(flatten)]
    pub(crate) submitting: Submitting,
}
