//! The submits of a machine, and the runs of this process.

mod find;
mod handle;
mod open;
mod recordings;
mod records;
mod start;

pub use find::Found;
pub use handle::{Finished, Handle, Snapshot};
pub use open::Workspace;
pub use recordings::Recordings;
pub use start::Destination;
