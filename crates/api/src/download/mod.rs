//! Results: fetched without the API's headers, and whole or absent on disk.

pub(crate) mod fetch;
pub(crate) mod file_name;
pub(crate) mod guard;
pub(crate) mod save;

pub use fetch::{Download, Downloaded};
