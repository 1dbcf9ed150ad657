//! `rhub quick …`.

use clap::{Args, Subcommand};

use super::{Filling, Machine, SubmitOptions};

/// Run Quick Create apps.
#[derive(Args, Debug)]
pub(crate) struct Quick {
    #[command(subcommand)]
    pub(crate) command: QuickCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum QuickCommand {
    Styles(QuickStyles),
    Run(Box<QuickRun>),
}

/// List models and styles.
#[derive(Args, Debug)]
pub(crate) struct QuickStyles {
    /// Id of the Quick Create app
    pub(crate) app: String,

    /// Type number, as defined by the platform
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) kind: u32,
}

/// Run a Quick Create app and follow it to the end.
#[derive(Args, Debug)]
pub(crate) struct QuickRun {
    /// Id of the Quick Create app
    pub(crate) app: String,

    /// Quick Create code, such as 001, 002 or 006
    #[arg(long, value_name = "CODE")]
    pub(crate) code: String,

    #[command(flatten)]
    pub(crate) filling: Filling,

    #[command(flatten)]
    pub(crate) machine: Machine,

    #[command(flatten)]
    pub(crate) submitting: SubmitOptions,
}
