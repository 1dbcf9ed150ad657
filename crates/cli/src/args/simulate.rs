//! `rhub simulate`.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use runninghub::Speed;

use crate::speed;

/// Serve a simulated RunningHub.
#[derive(Args, Debug)]
pub(crate) struct Simulate {
    /// Loopback address to listen on; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8189")]
    pub(crate) listen: SocketAddr,

    /// Recording of a workflow, an app or a model to serve; repeatable [default: a demo]
    #[arg(long, value_name = "DIR")]
    pub(crate) scenario: Vec<PathBuf>,

    /// Simulate a ComfyUI server instead
    #[arg(long, conflicts_with = "fault")]
    pub(crate) native: bool,

    /// ComfyUI version to simulate, such as 0.3.44
    #[arg(long, value_name = "VERSION", requires = "native")]
    pub(crate) version: Option<String>,

    /// Number of tasks that the key may run at once
    #[arg(long, value_name = "N", default_value_t = 3, conflicts_with = "native")]
    pub(crate) slots: usize,

    /// Inject a fault; repeatable; `list` shows them all
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) fault: Vec<String>,

    /// Speed factor for recorded frames, or `max`
    #[arg(long, value_name = "N|max", value_parser = speed::parse, default_value = "1")]
    pub(crate) speed: Speed,
}
