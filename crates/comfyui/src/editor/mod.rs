//! Converts workflows of ComfyUI's editor to API format.

mod file;
mod scope;
#[cfg(test)]
mod tests;
mod widgets;
mod workflow;

pub use self::workflow::{EditorError, EditorWorkflow};
