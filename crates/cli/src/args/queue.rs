//! `rhub queue`.

use clap::Args;

/// Show what runs and what waits on a ComfyUI.
#[derive(Args, Debug)]
#[command(after_help = "Names the server with --server. The queue is everybody's.")]
pub(crate) struct Queue {}
