//! `rhub config …`.

use clap::{Args, Subcommand};

/// Look at the profile, or change it.
#[derive(Args, Debug)]
#[command(after_help = "\
A setting is the long name of any option, such as `out`, `site`, `proxy` or `instance`. It counts where neither the
command line nor a variable says otherwise. Keys are never shown.")]
pub(crate) struct Config {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show a setting of the profile.
    Get {
        /// The long name of an option
        name: String,
    },
    /// Change a setting of the profile.
    Set {
        /// The long name of an option
        name: String,
        /// Its value; several for an option that can be given several times
        #[arg(required = true)]
        value: Vec<String>,
    },
    /// Take a setting out of the profile.
    Unset {
        /// The long name of an option
        name: String,
    },
    /// Show all settings of the profile, or of all profiles.
    List,
    /// Print where the configuration file is.
    Path,
}
