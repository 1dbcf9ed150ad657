//! `rhub account`.

use clap::{Args, builder::FalseyValueParser};

/// Show the balance, the kind of key, and the slots that are used and free.
#[derive(Args, Debug)]
pub(crate) struct Account {
    /// Also list the keys of the account, masked
    #[arg(long, env = "RUNNINGHUB_KEYS", value_parser = FalseyValueParser::new())]
    pub(crate) keys: bool,
}
