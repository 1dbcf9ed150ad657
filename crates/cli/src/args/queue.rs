//! `rhub queue`.

use clap::Args;

/// Show how many tasks are running and waiting.
#[derive(Args, Debug)]
#[command(
    after_long_help = "On RunningHub, these are the key's tasks; with --server, everyone's on that ComfyUI server."
)]
pub(crate) struct Queue {}
