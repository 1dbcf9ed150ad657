//! Global options.

use std::{collections::BTreeMap, path::PathBuf};

use clap::{
    Args, ValueEnum,
    builder::{FalseyValueParser, PossibleValuesParser, TypedValueParser as _},
    parser::ValueSource,
};
use runninghub::Site;
use runninghub_batch::Export;

use super::{Hidden, server::Server};
use crate::{config::Stored, printer::Detail, size};

const HEADING: &str = "Options of every command";

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = HEADING)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct Global {
    /// RunningHub site of the key [default: cn]
    #[arg(long, global = true, env = "RUNNINGHUB_SITE", value_parser = site())]
    pub(crate) site: Option<Site>,

    /// Base URL of the API, such as a simulator's
    ///
    /// It replaces the site's URL. `http` is allowed for loopback addresses only.
    #[arg(long, global = true, env = "RUNNINGHUB_BASE_URL", value_name = "URL", hide_env_values = true)]
    pub(crate) base_url: Option<String>,

    /// Use a ComfyUI server instead of RunningHub
    ///
    /// Its URL, or `runninghub` or `runninghub-plus` for RunningHub's native ComfyUI proxy.
    #[arg(long, global = true, env = "RUNNINGHUB_SERVER", value_name = "URL", hide_env_values = true)]
    pub(crate) server: Option<Server>,

    /// Read the server's login from a private file
    ///
    /// The file holds `USER:PASSWORD`, `Bearer TOKEN`, a header as `NAME: VALUE`, or `?token=TOKEN`, and only you may read it.
    #[arg(long, global = true, env = "RUNNINGHUB_SERVER_AUTH_FILE", value_name = "PATH")]
    pub(crate) server_auth_file: Option<PathBuf>,

    /// Configuration profile [default: `default`]
    #[arg(long, global = true, env = "RUNNINGHUB_PROFILE", value_name = "NAME")]
    pub(crate) profile: Option<String>,

    /// Path of the configuration file
    #[arg(long, global = true, env = "RUNNINGHUB_CONFIG", value_name = "PATH", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,

    /// Read the API key from a private file
    #[arg(
        long,
        global = true,
        env = "RUNNINGHUB_API_KEY_FILE",
        value_name = "PATH",
        conflicts_with = "api_key_stdin"
    )]
    pub(crate) api_key_file: Option<PathBuf>,

    /// Read the API key from stdin
    #[arg(long, global = true, env = "RUNNINGHUB_API_KEY_STDIN", value_parser = FalseyValueParser::new())]
    pub(crate) api_key_stdin: bool,

    /// Output format
    ///
    /// The default is human on a terminal, and plain elsewhere.
    #[arg(long, global = true, env = "RUNNINGHUB_FORMAT", value_enum)]
    pub(crate) format: Option<Format>,

    /// Same as --format json
    #[arg(long, global = true, env = "RUNNINGHUB_JSON", value_parser = FalseyValueParser::new())]
    pub(crate) json: bool,

    /// When to use colors
    #[arg(long, global = true, env = "RUNNINGHUB_COLOR", value_enum, value_name = "WHEN", default_value_t)]
    pub(crate) color: Color,

    /// Draw with ASCII characters only
    ///
    /// This is the default if the character set is not UTF-8.
    #[arg(long, global = true, env = "RUNNINGHUB_ASCII", value_parser = FalseyValueParser::new())]
    pub(crate) ascii: bool,

    /// Language [default: the system's]
    ///
    /// It applies to messages and help. JSON output is always in English.
    #[arg(long, global = true, env = "RUNNINGHUB_LANG", value_parser = ["en", "zh"])]
    pub(crate) lang: Option<String>,

    /// Proxy for all connections
    ///
    /// An `http` or `socks5` URL, such as `socks5://127.0.0.1:1080`.
    #[arg(long, global = true, env = "RUNNINGHUB_PROXY", value_name = "URL", hide_env_values = true)]
    pub(crate) proxy: Option<Hidden>,

    /// Additional certificates to trust (PEM)
    #[arg(long, global = true, env = "RUNNINGHUB_CA_FILE", value_name = "PATH")]
    pub(crate) ca_file: Option<PathBuf>,

    /// Allow results and sockets on private addresses
    ///
    /// Without it, rhub downloads and connects only to public addresses, unless the API itself is on this machine.
    #[arg(long, global = true, env = "RUNNINGHUB_ALLOW_PRIVATE_HOSTS", value_parser = FalseyValueParser::new())]
    pub(crate) allow_private_hosts: bool,

    /// Maximum size of a result [default: 32 GiB]
    ///
    /// Such as 500M or 2G.
    #[arg(long, global = true, env = "RUNNINGHUB_MAX_FILE_SIZE", value_name = "SIZE", value_parser = size::parse)]
    pub(crate) max_file_size: Option<u64>,

    /// Expected seconds per node class (JSON)
    ///
    /// They take precedence over the built-in ones. docs/progress.md describes the format.
    #[arg(long, global = true, env = "RUNNINGHUB_PRIORS", value_name = "FILE")]
    pub(crate) priors: Option<PathBuf>,

    /// Print only results and errors
    #[arg(short, long, global = true, env = "RUNNINGHUB_QUIET", value_parser = FalseyValueParser::new())]
    pub(crate) quiet: bool,

    /// Log to stderr; repeat for more detail
    #[arg(short, long, global = true, env = "RUNNINGHUB_VERBOSE", action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    /// Log to a file
    #[arg(long, global = true, env = "RUNNINGHUB_LOG_FILE", value_name = "PATH")]
    pub(crate) log_file: Option<PathBuf>,

    /// Folder for the ledger and other records
    #[arg(long, global = true, env = "RUNNINGHUB_STATE_DIR", value_name = "PATH", hide_env_values = true)]
    pub(crate) state_dir: Option<PathBuf>,

    /// The key of the profile.
    #[arg(skip)]
    pub(crate) stored: Stored,

    /// The sources of the values of the command's options; neither the command line nor the environment if it is the profile.
    #[arg(skip)]
    pub(crate) sources: BTreeMap<String, ValueSource>,
}

impl Global {
    /// The variable that sets an option, which may have been long ago.
    pub(crate) fn variable(&self, option: &str) -> Option<String> {
        let is_set = self.sources.get(option) == Some(&ValueSource::EnvVariable);
        is_set.then(|| format!("RUNNINGHUB_{}", option.replace('-', "_").to_uppercase()))
    }

    pub(crate) fn detail(&self) -> Detail {
        match self.verbose {
            _ if self.quiet => Detail::Quiet,
            0 => Detail::Normal,
            _ => Detail::Verbose,
        }
    }
}

/// How to report.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    Human,
    Plain,
    Json,
    /// For `batch export`, whose option of that name has another meaning, reports use the default format.
    #[value(skip)]
    Export(Export),
}

/// When to use colors.
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
