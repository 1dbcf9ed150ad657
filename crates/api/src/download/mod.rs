//! Results: fetched without the API's headers, and whole or absent on disk.

pub(crate) mod fetch;
pub(crate) mod file_name;
pub(crate) mod folder;
pub(crate) mod guard;
mod pace;
mod partial;
mod sum;
mod transfer;
pub(crate) mod version;

pub use fetch::{Download, Downloaded};
