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
        /// Workflow id, page URL, or JSON file in API format
        #[arg(value_name = "ID")]
        workflow: String,
    },
}
