//! Options of the commands that run a workflow or an app.

use clap::{
    Args,
    builder::{FalseyValueParser, PossibleValuesParser},
};

use super::Hidden;

/// What it runs on, and by which endpoint.
#[derive(Args, Clone, Debug)]
pub(crate) struct Machine {
    /// The machine: 24, 48 or 84 GB of memory
    #[arg(long, env = "RUNNINGHUB_INSTANCE", value_parser = PossibleValuesParser::new(["default", "plus", "ultra"]))]
    pub(crate) instance: Option<String>,

    /// Wait in the personal queue; for keys of dedicated machines
    #[arg(long, env = "RUNNINGHUB_PERSONAL_QUEUE", value_parser = FalseyValueParser::new())]
    pub(crate) personal_queue: bool,

    /// Keep the machine warm this long afterwards, 10 to 180; billed, for enterprise-shared keys
    #[arg(long, env = "RUNNINGHUB_RETAIN", value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(10..=180))]
    pub(crate) retain: Option<u32>,

    /// The password of an encrypted workflow or app
    #[arg(long, env = "RUNNINGHUB_ACCESS_PASSWORD", value_name = "PASSWORD", hide_env_values = true)]
    pub(crate) access_password: Option<Hidden>,

    /// Submit by the newer endpoint, with the key in the header alone
    #[arg(long, env = "RUNNINGHUB_V2", value_parser = FalseyValueParser::new())]
    pub(crate) v2: bool,
}
