//! `rhub queue`.

use clap::Args;

/// Show how many tasks run and wait.
#[derive(Args, Debug)]
#[command(
    after_help = "On RunningHub these are the tasks of the key; with --server those of everybody on that ComfyUI."
)]
pub(crate) struct Queue {}
