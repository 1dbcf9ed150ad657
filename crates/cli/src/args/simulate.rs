//! `rhub simulate`.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, builder::FalseyValueParser};
use runninghub::Speed;

use crate::speed;

/// Serve a simulated RunningHub on this machine.
#[derive(Args, Debug)]
pub(crate) struct Simulate {
    /// Where to listen; loopback only, port 0 takes a free one
    #[arg(long, env = "RUNNINGHUB_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8189")]
    pub(crate) listen: SocketAddr,

    /// Serve a recording as a workflow; can be given several times [default: a demo]
    #[arg(long, env = "RUNNINGHUB_SCENARIO", value_name = "DIR")]
    pub(crate) scenario: Vec<PathBuf>,

    /// Serve a ComfyUI instead of RunningHub
    #[arg(long, env = "RUNNINGHUB_NATIVE", value_parser = FalseyValueParser::new(), conflicts_with = "fault")]
    pub(crate) native: bool,

    /// The version of that ComfyUI, as in 0.3.44
    #[arg(long, env = "RUNNINGHUB_VERSION", value_name = "VERSION", requires = "native")]
    pub(crate) version: Option<String>,

    /// Do something wrong on purpose; can be given several times; `list` shows what there is
    #[arg(long, env = "RUNNINGHUB_FAULT", value_name = "NAME=VALUE")]
    pub(crate) fault: Vec<String>,

    /// Send frames so many times as fast as they were recorded
    #[arg(long, env = "RUNNINGHUB_SPEED", value_name = "N|max", value_parser = speed::parse, default_value = "1")]
    pub(crate) speed: Speed,
}
