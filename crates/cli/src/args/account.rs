//! `rhub account`.

use clap::Args;

/// Show the balance, the key type, and used and free slots.
#[derive(Args, Debug)]
pub(crate) struct Account {
    /// Also list the account's keys, masked
    #[arg(long)]
    pub(crate) keys: bool,
}
