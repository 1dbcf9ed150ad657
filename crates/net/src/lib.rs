#![doc = include_str!("../README.md")]
#![warn(clippy::expect_used, clippy::unwrap_used)]

mod body;
mod clients;
mod dial;
mod error;
mod exchange;
mod files;
mod guard;
mod login;
mod net;
mod options;
mod pinned;
mod progress;
mod proxy;
mod retry;
mod tls;

pub use body::{page_title, read_text};
pub use clients::HttpClients;
pub use error::{Error, ErrorKind, Source, is_not_listening};
pub use exchange::Exchange;
pub use files::{
    Download, Files, SavedFile, check_folder, copy_file, digest, extension, free_space, hex, holds, numbered,
    open_file, replace_file, result_name, sanitize, sync_folder,
};
pub use login::{Login, split_login};
pub use net::Net;
pub use options::NetOptions;
pub use progress::{Direction, FileProgress};
pub use proxy::{Proxy, is_loopback};
pub use retry::{asked_wait, backoff, may_repeat, retry_after, start_backoff, start_pauses};
