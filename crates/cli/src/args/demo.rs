//! `rhub demo`.

use std::path::PathBuf;

use clap::Args;
use runninghub::Speed;

use super::FollowOptions;
use crate::speed;

/// Try everything without a key or network.
#[derive(Args, Debug)]
#[command(
    after_long_help = "Starts the simulator on this machine, submits a workflow, follows it and downloads the results."
)]
pub(crate) struct Demo {
    /// Download the results to this folder
    #[arg(short, long, env = "RUNNINGHUB_OUT", value_name = "DIR", default_value = "rhub-demo")]
    pub(crate) out: PathBuf,

    /// Speed factor, or `max`
    #[arg(long, value_name = "N|max", value_parser = speed::parse, default_value = "1")]
    pub(crate) speed: Speed,

    #[command(flatten)]
    pub(crate) follow: FollowOptions,
}
