//! Any ComfyUI as a backend: your own, or RunningHub's native proxy.

mod backend;
mod classes;
mod comfy;
mod convert;
mod follow;
mod kept;
mod launch;
mod opened;
mod refusal;
mod resolve;
mod submit;
mod turn;

pub(crate) use backend::output;
pub use comfy::{Comfy, ComfyBuilder};
pub use runninghub_comfyui::{Queue, Queued};
