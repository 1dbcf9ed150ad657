//! `rhub help`.

use clap::Args;

/// Print help for a command or a topic.
#[derive(Args, Debug)]
pub(crate) struct Help {
    /// A command, or a topic: options, environment, exit-codes, output
    #[arg(value_name = "COMMAND|TOPIC")]
    pub(crate) words: Vec<String>,
}
