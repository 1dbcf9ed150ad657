//! Any ComfyUI as a backend: one's own, or RunningHub's native proxy.

mod backend;
mod classes;
mod comfy;
mod follow;
mod kept;
mod opened;
mod refusal;
mod resolve;
mod start;
mod submit;

pub use comfy::{Comfy, ComfyBuilder};
pub use follow::FollowPrompt;
pub use runninghub_comfyui::{Queue, Queued};
pub use submit::Prompt;
