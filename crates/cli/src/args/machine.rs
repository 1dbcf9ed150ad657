//! Options of the commands that run a workflow or an app.

use clap::{Args, builder::PossibleValuesParser};

use super::Hidden;

/// The instance type and the endpoint.
#[derive(Args, Clone, Debug)]
pub(crate) struct Machine {
    /// Machine with 24, 48 or 84 GB of GPU memory
    #[arg(long, value_parser = PossibleValuesParser::new(["default", "plus", "ultra"]))]
    pub(crate) instance: Option<String>,

    /// Use the personal queue of a dedicated machine
    #[arg(long, hide_short_help = true)]
    pub(crate) personal_queue: bool,

    /// Keep the machine warm for 10 to 180 s; this is billed
    ///
    /// For enterprise-shared keys only.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(10..=180), hide_short_help = true)]
    pub(crate) retain: Option<u32>,

    /// Password of an encrypted workflow or app
    #[arg(long, value_name = "PASSWORD", hide_short_help = true)]
    pub(crate) access_password: Option<Hidden>,

    /// Submit through the v2 endpoint
    #[arg(long, hide_short_help = true)]
    pub(crate) v2: bool,
}
