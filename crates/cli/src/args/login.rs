//! `rhub login`, `rhub completions`, `rhub man`.

use std::path::PathBuf;

use clap::{Args, builder::FalseyValueParser};

/// Keep an API key in a profile; asks for it without showing it.
#[derive(Args, Debug)]
#[command(after_help = "\
The key is asked for on a terminal, or read with --api-key-stdin or --api-key-file; it is never on a command line.
Both sites are asked once which of them knows it, unless --site or --base-url names one.")]
pub(crate) struct Login {
    /// Keep the key in the keyring of the system instead of the configuration file
    #[arg(long, env = "RUNNINGHUB_KEYRING", value_parser = FalseyValueParser::new())]
    pub(crate) keyring: bool,
}

/// Print what makes a shell complete commands, options and task ids.
#[derive(Args, Debug)]
#[command(after_help = "\
For example, for bash:  echo 'source <(rhub completions bash)' >> ~/.bashrc")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_parser = ["bash", "elvish", "fish", "powershell", "zsh"])]
    pub(crate) shell: String,
}

/// Write the man pages, one for each command.
#[derive(Args, Debug)]
pub(crate) struct Man {
    /// The folder for them, such as `~/.local/share/man/man1`
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
}
