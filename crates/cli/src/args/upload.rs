//! `rhub upload`, `rhub lora …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Upload images, audio, video or ZIP archives, up to 30 MB each.
#[derive(Args, Debug)]
pub(crate) struct Upload {
    /// Files to upload
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

/// Upload your own LoRAs.
#[derive(Args, Debug)]
pub(crate) struct Lora {
    #[command(subcommand)]
    pub(crate) command: LoraCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LoraCommand {
    Upload(LoraUpload),
}

/// Upload a LoRA for the node RHLoraLoader.
#[derive(Args, Debug)]
#[command(after_long_help = "A file that is already on the platform is not uploaded again.")]
pub(crate) struct LoraUpload {
    /// A `.safetensors` file
    pub(crate) file: PathBuf,

    /// Name [default: the file name]
    #[arg(long, value_name = "NAME")]
    pub(crate) lora_name: Option<String>,
}
