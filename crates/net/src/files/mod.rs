//! Downloads: requested without any API headers, and either complete or absent on disk.

mod digest;
mod fetch;
mod file_name;
mod folder;
mod pace;
mod partial;
mod store;
mod sum;
mod transfer;
mod version;

pub use digest::{digest, hex};
pub use fetch::Download;
pub use file_name::{extension, numbered, result_name, sanitize};
pub use folder::{check_folder, copy_file, free_space, holds, open_file, replace_file, sync_folder};
pub use partial::SavedFile;
pub use store::Files;
