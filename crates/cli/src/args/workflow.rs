//! `rhub workflow …`.

use clap::{Args, Subcommand};

/// Look at workflows.
#[derive(Args, Debug)]
pub(crate) struct Workflow {
    #[command(subcommand)]
    pub(crate) command: Show,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Show {
    /// List the nodes, their titles, and the fields that `--set` can change.
    Show {
        /// A workflow id, the address of its page, or a JSON file in API format
        #[arg(value_name = "ID")]
        workflow: String,
    },
}
