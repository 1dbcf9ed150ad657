//! `rhub workflow …`.

use clap::{Args, Subcommand};

/// Inspect workflows.
#[derive(Args, Debug)]
pub(crate) struct Workflow {
    #[command(subcommand)]
    pub(crate) command: WorkflowCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WorkflowCommand {
    /// List the nodes, titles and fields that `--set` can change.
    Show {
        /// Workflow id, page URL, JSON file in API format, or image
        ///
        /// An image has to be the original that ComfyUI saved: its metadata contain the workflow. `-` reads standard input.
        #[arg(value_name = "ID")]
        workflow: String,
    },
    /// Convert a workflow from the editor's format to API format.
    #[command(
        after_long_help = "A ComfyUI (`--server`) says which inputs its node classes have. The result goes to stdout."
    )]
    Convert {
        /// JSON file that the editor saved, or `-` for standard input
        #[arg(value_name = "FILE")]
        workflow: String,
    },
}
