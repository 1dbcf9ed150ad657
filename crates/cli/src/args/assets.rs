//! `rhub assets …`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// Manage images, videos and audio that models take as `asset://ID`.
#[derive(Args, Debug)]
pub(crate) struct Assets {
    #[command(subcommand)]
    pub(crate) command: AssetsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AssetsCommand {
    List(AssetList),
    Create(AssetCreate),
    /// Show an asset and its state.
    Show(AssetId),
    Rename(AssetRename),
    /// Delete an asset.
    Delete(AssetId),
    /// Manage groups of assets.
    #[command(subcommand)]
    Group(GroupCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum GroupCommand {
    List(GroupList),
    Create(GroupCreate),
    /// Show a group.
    Show(GroupId),
    Change(GroupChange),
    /// Delete a group.
    Delete(GroupId),
}

/// List assets.
#[derive(Args, Debug)]
pub(crate) struct AssetList {
    /// Only assets of this group
    #[arg(long, value_name = "ID")]
    pub(crate) group: Option<String>,

    #[command(flatten)]
    pub(crate) paging: Paging,
}

/// Upload a file as an asset.
#[derive(Args, Debug)]
#[command(after_long_help = "The platform takes a while to process it.")]
pub(crate) struct AssetCreate {
    /// Image, video or audio file
    pub(crate) file: PathBuf,

    /// Group for the asset (see `rhub assets group create`)
    #[arg(long, value_name = "ID")]
    pub(crate) group: String,

    /// Name [default: the file name]
    #[arg(long, value_name = "NAME")]
    pub(crate) title: Option<String>,

    /// Type of file [default: from its extension]
    #[arg(long, value_enum)]
    pub(crate) medium: Option<Medium>,
}

// Without documentation, which would be the help of both commands.
#[derive(Args, Debug)]
pub(crate) struct AssetId {
    /// Asset id, with or without `asset://`
    #[arg(value_parser = asset_id)]
    pub(crate) id: String,
}

/// Rename an asset.
#[derive(Args, Debug)]
pub(crate) struct AssetRename {
    /// Asset id, with or without `asset://`
    #[arg(value_parser = asset_id)]
    pub(crate) id: String,

    /// New name
    pub(crate) title: String,
}

/// List groups.
#[derive(Args, Debug)]
pub(crate) struct GroupList {
    #[command(flatten)]
    pub(crate) paging: Paging,
}

/// Create a group.
#[derive(Args, Debug)]
pub(crate) struct GroupCreate {
    /// Name of the group
    pub(crate) title: String,

    /// Description of the group
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
}

// Without documentation, which would be the help of both commands.
#[derive(Args, Debug)]
pub(crate) struct GroupId {
    /// Group id
    pub(crate) id: String,
}

/// Change a group's name or description.
#[derive(Args, Debug)]
pub(crate) struct GroupChange {
    /// Group id
    pub(crate) id: String,

    /// Name of the group
    #[arg(long, value_name = "NAME", required_unless_present = "description")]
    pub(crate) title: Option<String>,

    /// Description of the group
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
}

/// A page of a list.
#[derive(Args, Debug)]
pub(crate) struct Paging {
    /// Page number
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) page: u32,

    /// Entries per page, at most 50
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=50))]
    pub(crate) size: u32,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Medium {
    Image,
    Video,
    Audio,
}

/// An id, with or without `asset://`.
#[expect(clippy::unnecessary_wraps, reason = "the parser of the command line wants it so")]
fn asset_id(text: &str) -> Result<String, std::convert::Infallible> {
    Ok(text.strip_prefix("asset://").unwrap_or(text).to_owned())
}
