//! `rhub upload`, `rhub lora …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Upload files: pictures, audio, video, or a ZIP archive of pictures, of 30 MB at most.
#[derive(Args, Debug)]
pub(crate) struct Upload {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

/// LoRAs of one's own.
#[derive(Args, Debug)]
pub(crate) struct Lora {
    #[command(subcommand)]
    pub(crate) command: LoraCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LoraCommand {
    Upload(LoraUpload),
}

/// Upload a LoRA for the node RHLoraLoader; one that the platform has is not sent again.
#[derive(Args, Debug)]
pub(crate) struct LoraUpload {
    /// A `.safetensors` file
    pub(crate) file: PathBuf,

    /// What to call it [default: the file's name]
    #[arg(long, env = "RUNNINGHUB_LORA_NAME", value_name = "NAME")]
    pub(crate) lora_name: Option<String>,
}
