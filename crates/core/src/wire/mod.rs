//! ComfyUI's wire messages.

mod binary;
mod lenient;
mod nodes;
mod repair;
mod text;

pub use binary::{Binary, decode_binary};
pub use nodes::{StateEntry, StateNodes};
pub use repair::repair;
pub(crate) use repair::repair_with;
pub use text::{ExecutionError, Message, decode_text};
