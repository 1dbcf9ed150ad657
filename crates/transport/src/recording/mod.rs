//! Recordings: folders with the tapes of a run and its other files.

mod meta;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use meta::{HttpRow, Prompt, RecordedResult};
pub use read::Recording;
pub use write::{EXPECTED, RecordingWriter, SNAPSHOT};
