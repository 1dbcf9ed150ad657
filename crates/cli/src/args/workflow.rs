//! `rhub workflow …`.

use clap::{Args, Subcommand};

/// Inspect workflows.
#[derive(Args, Debug)]
pub(crate) struct Workflow {
    #[command(subcommand)]
    pub(crate) command: Show,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Show {
    /// List the nodes, titles and fields that `--set` can change.
    Show {
        /// Workflow id, page URL, JSON file in API format, or image
        ///
        /// An image has to be the original that ComfyUI saved: its metadata contain the workflow. `-` reads standard input.
        #[arg(value_name = "ID")]
        workflow: String,
    },
}
