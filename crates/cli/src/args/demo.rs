//! `rhub demo`.

use std::path::PathBuf;

use clap::Args;
use runninghub::Speed;

use super::Patience;
use crate::speed;

/// The whole main job without key or network: simulator, submit, follow, download.
#[derive(Args, Debug)]
pub(crate) struct Demo {
    /// Download the results into this folder
    #[arg(short, long, env = "RUNNINGHUB_OUT", value_name = "DIR", default_value = "rhub-demo")]
    pub(crate) out: PathBuf,

    /// So many times as fast
    #[arg(long, env = "RUNNINGHUB_SPEED", value_name = "N|max", value_parser = speed::parse, default_value = "1")]
    pub(crate) speed: Speed,

    #[command(flatten)]
    pub(crate) patience: Patience,
}
