//! Tapes: the frames of one connection as JSON Lines.

mod read;
mod row;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use read::check_format;
pub use read::{Tape, TapeReader};
pub use row::{Direction, Header, Row, RowKind};
pub use write::TapeWriter;

/// The format that this version writes; it reads this and all earlier ones.
pub(crate) const FORMAT: u64 = 1;
/// The kind stored in a header line.
pub(crate) const KIND: &str = "runninghub-tape";
