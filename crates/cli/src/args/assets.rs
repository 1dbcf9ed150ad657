//! `rhub assets …`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// Pictures, films and sounds that models take as `asset://ID`, and groups of them.
#[derive(Args, Debug)]
pub(crate) struct Assets {
    #[command(subcommand)]
    pub(crate) command: AssetsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AssetsCommand {
    List(AssetList),
    Create(AssetCreate),
    Show(AssetId),
    Rename(AssetRename),
    Delete(AssetId),
    /// Groups of assets.
    #[command(subcommand)]
    Group(GroupCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum GroupCommand {
    List(GroupList),
    Create(GroupCreate),
    Show(GroupId),
    Change(GroupChange),
    Delete(GroupId),
}

/// List assets.
#[derive(Args, Debug)]
pub(crate) struct AssetList {
    /// Only those of a group
    #[arg(long, env = "RUNNINGHUB_GROUP", value_name = "ID")]
    pub(crate) group: Option<String>,

    #[command(flatten)]
    pub(crate) paging: Paging,
}

/// Make an asset of a file, which is uploaded; it takes a while until it is ready.
#[derive(Args, Debug)]
pub(crate) struct AssetCreate {
    /// A picture, a film or a sound
    pub(crate) file: PathBuf,

    /// The group that it goes into (`rhub assets group create` makes one)
    #[arg(long, env = "RUNNINGHUB_GROUP", value_name = "ID")]
    pub(crate) group: String,

    /// What to call it [default: the file's name]
    #[arg(long, env = "RUNNINGHUB_TITLE", value_name = "NAME")]
    pub(crate) title: Option<String>,

    /// What it is [default: what the file's extension says]
    #[arg(long, env = "RUNNINGHUB_MEDIUM", value_enum)]
    pub(crate) medium: Option<Medium>,
}

/// Ask how far an asset is, or remove it.
#[derive(Args, Debug)]
pub(crate) struct AssetId {
    /// The asset's id, with or without `asset://` before it
    #[arg(value_parser = asset_id)]
    pub(crate) id: String,
}

/// Give an asset another name.
#[derive(Args, Debug)]
pub(crate) struct AssetRename {
    /// The asset's id, with or without `asset://` before it
    #[arg(value_parser = asset_id)]
    pub(crate) id: String,

    /// The new name
    pub(crate) title: String,
}

/// List groups.
#[derive(Args, Debug)]
pub(crate) struct GroupList {
    #[command(flatten)]
    pub(crate) paging: Paging,
}

/// Make a group.
#[derive(Args, Debug)]
pub(crate) struct GroupCreate {
    /// What to call it
    pub(crate) title: String,

    /// What it is for
    #[arg(long, env = "RUNNINGHUB_DESCRIPTION", value_name = "TEXT")]
    pub(crate) description: Option<String>,
}

/// Ask for a group, or remove it.
#[derive(Args, Debug)]
pub(crate) struct GroupId {
    /// The group's id
    pub(crate) id: String,
}

/// Change a group.
#[derive(Args, Debug)]
pub(crate) struct GroupChange {
    /// The group's id
    pub(crate) id: String,

    /// What to call it
    #[arg(long, env = "RUNNINGHUB_TITLE", value_name = "NAME", required_unless_present = "description")]
    pub(crate) title: Option<String>,

    /// What it is for
    #[arg(long, env = "RUNNINGHUB_DESCRIPTION", value_name = "TEXT")]
    pub(crate) description: Option<String>,
}

/// Which part of a list.
#[derive(Args, Debug)]
pub(crate) struct Paging {
    /// Which page
    #[arg(long, env = "RUNNINGHUB_PAGE", value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) page: u32,

    /// How many on a page, at most 50
    #[arg(long, env = "RUNNINGHUB_SIZE", value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=50))]
    pub(crate) size: u32,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Medium {
    Image,
    Video,
    Audio,
}

/// An id as it is shown, `asset://7`, or alone.
#[expect(clippy::unnecessary_wraps, reason = "the parser of the command line wants it so")]
fn asset_id(text: &str) -> Result<String, std::convert::Infallible> {
    Ok(text.strip_prefix("asset://").unwrap_or(text).to_owned())
}
