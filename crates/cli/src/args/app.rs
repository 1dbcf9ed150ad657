//! `rhub app …`.

use clap::{Args, Subcommand, ValueEnum, builder::FalseyValueParser};

use super::{Machine, Paging, Submitting};

/// Find AI apps, look at them, and run them.
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

/// List apps that anybody can run.
#[derive(Args, Debug)]
pub(crate) struct AppList {
    /// In which order
    #[arg(long, env = "RUNNINGHUB_SORT", value_enum, default_value_t)]
    pub(crate) sort: Sort,

    /// Count only the use of so many days
    #[arg(long, env = "RUNNINGHUB_DAYS", value_name = "N")]
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

/// List the fields of an app, what they take and what they have.
#[derive(Args, Debug)]
pub(crate) struct AppShow {
    /// The app's id, or the address of its page
    pub(crate) app: String,
}

/// Run an app and follow it to the end.
#[derive(Args, Debug)]
pub(crate) struct AppRun {
    /// The app's id, or the address of its page
    pub(crate) app: String,

    #[command(flatten)]
    pub(crate) filling: Filling,

    #[command(flatten)]
    pub(crate) machine: Machine,

    #[command(flatten)]
    pub(crate) submitting: Submitting,
}

/// How a form is filled in.
#[derive(Args, Clone, Debug)]
pub(crate) struct Filling {
    /// Fill in a field; NAME is a field, the title of its node, its description, or NODE.FIELD; @FILE uploads
    #[arg(short, long, env = "RUNNINGHUB_SET", value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,

    /// The API's own list of changes, sent as it is
    #[arg(long, env = "RUNNINGHUB_NODE_INFO_LIST", value_name = "JSON|@FILE", hide_env_values = true)]
    pub(crate) node_info_list: Option<String>,

    /// Ask for every field that is not set; needs a terminal
    #[arg(short, long, env = "RUNNINGHUB_INTERACTIVE", value_parser = FalseyValueParser::new())]
    pub(crate) interactive: bool,
}
