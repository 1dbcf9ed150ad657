//! Options that every command knows.

use std::path::PathBuf;

use clap::{
    Args, ValueEnum,
    builder::{FalseyValueParser, PossibleValuesParser, TypedValueParser as _},
    parser::ValueSource,
};
use runninghub::Site;

use super::{Hidden, server::Server};
use crate::{config::Stored, size};

const HEADING: &str = "Options of every command";

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = HEADING)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct Global {
    /// Which RunningHub the key belongs to [default: cn]
    #[arg(long, global = true, env = "RUNNINGHUB_SITE", value_parser = site())]
    pub(crate) site: Option<Site>,

    /// Another address instead of the site's, for example of a simulator; http only on this machine
    #[arg(long, global = true, env = "RUNNINGHUB_BASE_URL", value_name = "URL", hide_env_values = true)]
    pub(crate) base_url: Option<String>,

    /// Ask a ComfyUI instead: its address, or `runninghub` or `runninghub-plus` for RunningHub's native proxy
    #[arg(long, global = true, env = "RUNNINGHUB_SERVER", value_name = "URL", hide_env_values = true)]
    pub(crate) server: Option<Server>,

    /// Read the server's login from a file that only you can read: `USER:PASSWORD`, `Bearer TOKEN`, a header, or `?token=TOKEN`
    #[arg(long, global = true, env = "RUNNINGHUB_SERVER_AUTH_FILE", value_name = "PATH")]
    pub(crate) server_auth_file: Option<PathBuf>,

    /// A profile of the configuration [default: the one called `default`]
    #[arg(long, global = true, env = "RUNNINGHUB_PROFILE", value_name = "NAME")]
    pub(crate) profile: Option<String>,

    /// The configuration file, which only you can read
    #[arg(long, global = true, env = "RUNNINGHUB_CONFIG", value_name = "PATH", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,

    /// Read the API key from a file that only you can read
    #[arg(
        long,
        global = true,
        env = "RUNNINGHUB_API_KEY_FILE",
        value_name = "PATH",
        conflicts_with = "api_key_stdin"
    )]
    pub(crate) api_key_file: Option<PathBuf>,

    /// Read the API key from standard input
    #[arg(long, global = true, env = "RUNNINGHUB_API_KEY_STDIN", value_parser = FalseyValueParser::new())]
    pub(crate) api_key_stdin: bool,

    /// How to report [default: human on a terminal, plain elsewhere]
    #[arg(long, global = true, env = "RUNNINGHUB_FORMAT", value_enum)]
    pub(crate) format: Option<Format>,

    /// The same as --format json
    #[arg(long, global = true, env = "RUNNINGHUB_JSON", value_parser = FalseyValueParser::new())]
    pub(crate) json: bool,

    /// When to use colours
    #[arg(long, global = true, env = "RUNNINGHUB_COLOR", value_enum, value_name = "WHEN", default_value_t)]
    pub(crate) color: Color,

    /// The language of messages and help; JSON is English [default: that of the system]
    #[arg(long, global = true, env = "RUNNINGHUB_LANG", value_parser = ["en", "zh"])]
    pub(crate) lang: Option<String>,

    /// A proxy for HTTP and socket, for example `socks5://127.0.0.1:1080`
    #[arg(long, global = true, env = "RUNNINGHUB_PROXY", value_name = "URL", hide_env_values = true)]
    pub(crate) proxy: Option<Hidden>,

    /// Certificates (PEM) to trust besides those of the system
    #[arg(long, global = true, env = "RUNNINGHUB_CA_FILE", value_name = "PATH")]
    pub(crate) ca_file: Option<PathBuf>,

    /// Fetch results also from loopback and private addresses, and follow tasks there
    #[arg(long, global = true, env = "RUNNINGHUB_ALLOW_PRIVATE_HOSTS", value_parser = FalseyValueParser::new())]
    pub(crate) allow_private_hosts: bool,

    /// Fetch no result that is larger, as in 500M or 2G [default: 32 GiB]
    #[arg(long, global = true, env = "RUNNINGHUB_MAX_FILE_SIZE", value_name = "SIZE", value_parser = size::parse)]
    pub(crate) max_file_size: Option<u64>,

    /// Expected seconds of node classes (JSON), before those that are built in
    #[arg(long, global = true, env = "RUNNINGHUB_PRIORS", value_name = "FILE")]
    pub(crate) priors: Option<PathBuf>,

    /// Only results and errors
    #[arg(short, long, global = true, env = "RUNNINGHUB_QUIET", value_parser = FalseyValueParser::new())]
    pub(crate) quiet: bool,

    /// Log what is done to standard error; more often for more
    #[arg(short, long, global = true, env = "RUNNINGHUB_VERBOSE", action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    /// Log to a file instead
    #[arg(long, global = true, env = "RUNNINGHUB_LOG_FILE", value_name = "PATH")]
    pub(crate) log_file: Option<PathBuf>,

    /// Where this machine keeps its records
    #[arg(long, global = true, env = "RUNNINGHUB_STATE_DIR", value_name = "PATH", hide_env_values = true)]
    pub(crate) state_dir: Option<PathBuf>,

    /// The key of the profile.
    #[arg(skip)]
    pub(crate) stored: Stored,

    /// What sets `--timeout`: neither the command line nor the environment if it is the profile.
    #[arg(skip)]
    pub(crate) timeout_source: Option<ValueSource>,
}

/// How to report.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    Human,
    Plain,
    Json,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

impl From<Color> for anstream::ColorChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}

fn site() -> impl clap::builder::TypedValueParser<Value = Site> {
    PossibleValuesParser::new(["cn", "ai"]).try_map(|text| text.parse::<Site>())
}
