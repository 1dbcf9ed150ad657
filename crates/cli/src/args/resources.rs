//! `rhub resources`.

use clap::{Args, ValueEnum};

use super::Paging;

/// List the models and LoRAs that workflows can load, with the names that their loaders take.
#[derive(Args, Debug)]
pub(crate) struct Resources {
    /// What kind of file
    #[arg(value_enum, value_name = "KIND")]
    pub(crate) kind: ResourceKind,

    /// Only those whose name has this in it
    #[arg(long, env = "RUNNINGHUB_SEARCH", value_name = "TEXT")]
    pub(crate) search: Option<String>,

    /// Only those of this family of models; repeatable
    #[arg(long, env = "RUNNINGHUB_FAMILY", value_name = "NAME")]
    pub(crate) family: Vec<String>,

    /// Only those filed under this, by the tag's id (--json shows them); repeatable
    #[arg(long, env = "RUNNINGHUB_TAG", value_name = "ID")]
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
