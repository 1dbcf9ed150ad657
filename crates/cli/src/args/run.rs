//! `rhub run`.

use std::time::Duration;

use clap::{
    Args,
    builder::{FalseyValueParser, PossibleValuesParser},
};

use super::{Hidden, Patience, Saving};
use crate::duration;

/// Submit a workflow and follow it to the end.
#[derive(Args, Debug)]
#[command(after_help = "\
The first Ctrl-C stops watching and leaves the task alone; it prints the commands that attach again and that cancel.")]
pub(crate) struct Run {
    /// A workflow id, the address of its page, or a JSON file in API format
    pub(crate) workflow: String,

    /// Change a field before the run; NODE is an id or a unique title, VALUE is JSON or else text, @FILE uploads
    #[arg(short, long, env = "RUNNINGHUB_SET", value_name = "NODE.FIELD=VALUE")]
    pub(crate) set: Vec<String>,

    /// The API's own list of changes, sent as it is
    #[arg(long, env = "RUNNINGHUB_NODE_INFO_LIST", value_name = "JSON|@FILE", hide_env_values = true)]
    pub(crate) node_info_list: Option<String>,

    #[command(flatten)]
    pub(crate) saving: Saving,

    /// The saved workflow that a JSON file is submitted under
    #[arg(long, env = "RUNNINGHUB_UNDER", value_name = "ID")]
    pub(crate) under: Option<String>,

    /// Submit, and do not follow
    #[arg(long, env = "RUNNINGHUB_DETACH", value_parser = FalseyValueParser::new())]
    pub(crate) detach: bool,

    /// Give up when the account has had no free slot for this long [default: wait]
    #[arg(long, env = "RUNNINGHUB_QUEUE_TIMEOUT", value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) queue_timeout: Option<Duration>,

    #[command(flatten)]
    pub(crate) patience: Patience,

    /// How long the submit itself may take
    #[arg(long, env = "RUNNINGHUB_CREATE_TIMEOUT", value_name = "DURATION", value_parser = duration::parse, default_value = "120s")]
    pub(crate) create_timeout: Duration,

    /// The machine: 24, 48 or 84 GB of memory
    #[arg(long, env = "RUNNINGHUB_INSTANCE", value_parser = PossibleValuesParser::new(["default", "plus", "ultra"]))]
    pub(crate) instance: Option<String>,

    /// An address that the platform calls when the task is over
    #[arg(long, env = "RUNNINGHUB_WEBHOOK", value_name = "URL", hide_env_values = true)]
    pub(crate) webhook: Option<Hidden>,

    /// Leave the workflow out of the result files
    #[arg(long, env = "RUNNINGHUB_NO_METADATA", value_parser = FalseyValueParser::new())]
    pub(crate) no_metadata: bool,

    /// Never ask
    #[arg(long, env = "RUNNINGHUB_YES", value_parser = FalseyValueParser::new())]
    pub(crate) yes: bool,
}
