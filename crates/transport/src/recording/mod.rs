//! Recordings: folders with the tapes of a run and its other files.

mod meta;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use meta::{HttpRow, Prompt};
pub use read::Recording;
pub use write::{RecordingWriter, SNAPSHOT};
