//! `rhub resources`.

use clap::{Args, ValueEnum};

use super::Paging;

/// List models and LoRAs that workflows can load.
#[derive(Args, Debug)]
pub(crate) struct Resources {
    /// Type of file
    #[arg(value_enum, value_name = "KIND")]
    pub(crate) kind: ResourceKind,

    /// Only names that contain this
    #[arg(long, value_name = "TEXT")]
    pub(crate) search: Option<String>,

    /// Only this model family; repeatable
    #[arg(long, value_name = "NAME")]
    pub(crate) family: Vec<String>,

    /// Only this tag id (shown by --json); repeatable
    #[arg(long, value_name = "ID")]
    pub(crate) tag: Vec<String>,

    #[command(flatten)]
    pub(crate) paging: Paging,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ResourceKind {
    Checkpoint,
    Gguf,
    Lora,
    Unet,
}
