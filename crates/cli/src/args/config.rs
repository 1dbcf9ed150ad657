//! `rhub config …`.

use clap::{Args, Subcommand};

/// Show or change the profile's settings.
#[derive(Args, Debug)]
#[command(after_long_help = "\
A setting is the long name of any option, such as `out`, `site`, `proxy` or `instance`. The command line and
environment variables take precedence over it. Keys are never shown.")]
pub(crate) struct Config {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show a setting.
    Get {
        /// Long name of an option
        name: String,
    },
    /// Change a setting.
    Set {
        /// Long name of an option
        name: String,
        /// Value; several for a repeatable option
        #[arg(required = true)]
        value: Vec<String>,
    },
    /// Remove a setting.
    Unset {
        /// Long name of an option
        name: String,
    },
    /// Show all settings.
    List,
    /// Print the path of the configuration file.
    Path,
}
