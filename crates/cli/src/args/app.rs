//! `rhub app …`.

use clap::{Args, Subcommand, ValueEnum};

use super::{Machine, Paging, SubmitOptions};

/// Find, inspect and run AI apps.
#[derive(Args, Debug)]
pub(crate) struct App {
    #[command(subcommand)]
    pub(crate) command: AppCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AppCommand {
    List(AppList),
    Show(AppShow),
    Run(Box<AppRun>),
}

/// List public apps.
#[derive(Args, Debug)]
pub(crate) struct AppList {
    /// Sort order
    #[arg(long, value_enum, default_value_t)]
    pub(crate) sort: Sort,

    /// Count usage in the last N days only
    #[arg(long, value_name = "N")]
    pub(crate) days: Option<u32>,

    #[command(flatten)]
    pub(crate) paging: Paging,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum Sort {
    #[default]
    Recommend,
    Hottest,
    Newest,
}

/// List an app's fields with their types and values.
#[derive(Args, Debug)]
pub(crate) struct AppShow {
    /// App id or page URL
    pub(crate) app: String,
}

/// Run an app and follow it to the end.
#[derive(Args, Debug)]
pub(crate) struct AppRun {
    /// App id or page URL
    pub(crate) app: String,

    #[command(flatten)]
    pub(crate) filling: Filling,

    #[command(flatten)]
    pub(crate) machine: Machine,

    #[command(flatten)]
    pub(crate) submitting: SubmitOptions,
}

/// Options for filling in a form.
#[derive(Args, Clone, Debug)]
pub(crate) struct Filling {
    /// Fill in a field; @FILE uploads a file
    ///
    /// NAME is a field, the title of its node, its description, or NODE.FIELD.
    #[arg(short, long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,

    /// Changes as a nodeInfoList, sent unchanged
    #[arg(long, value_name = "JSON|@FILE")]
    pub(crate) node_info_list: Option<String>,

    /// Prompt for every field that is not set
    #[arg(short, long)]
    pub(crate) interactive: bool,
}
