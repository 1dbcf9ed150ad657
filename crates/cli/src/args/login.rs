//! `rhub login`, `rhub completions`, `rhub man`.

use std::path::PathBuf;

use clap::Args;

/// Store an API key.
#[derive(Args, Debug)]
#[command(after_long_help = "\
The key is prompted for on a terminal, or read with --api-key-stdin or --api-key-file; it is never an argument.
Unless --site or --base-url is given, both sites are checked for the key.")]
pub(crate) struct Login {
    /// Store the key in the system keyring
    #[arg(long)]
    pub(crate) keyring: bool,
}

/// Generate shell completions.
#[derive(Args, Debug)]
#[command(after_long_help = "\
For example, for bash:  echo 'source <(rhub completions bash)' >> ~/.bashrc")]
pub(crate) struct Completions {
    /// Shell
    #[arg(value_parser = ["bash", "elvish", "fish", "powershell", "zsh"])]
    pub(crate) shell: String,
}

/// Write man pages.
#[derive(Args, Debug)]
pub(crate) struct Man {
    /// Target folder, such as `~/.local/share/man/man1`
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
}
