//! The value of `--server`.

use std::fmt;

use runninghub::{NativeProxy, Place, Untrusted, net::split_login};

/// A ComfyUI server, or RunningHub's native proxy by its name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Server {
    Proxy(NativeProxy),
    /// As written: a URL, or a host and a port.
    Url(String),
}

impl Server {
    /// The server of a task in the ledger; `None` for RunningHub's API.
    pub(crate) fn of(place: &Place) -> Option<Self> {
        match place {
            Place::NativeProxy { proxy, .. } => Some(Self::Proxy(*proxy)),
            Place::ComfyUi { url } => Some(Self::Url(url.clone())),
            _ => None,
        }
    }
}

impl From<String> for Server {
    fn from(text: String) -> Self {
        text.parse().map_or(Self::Url(text), Self::Proxy)
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proxy(proxy) => proxy.fmt(f),
            // Commands to copy name the server without its login.
            Self::Url(url) => Untrusted::from(split_login(url).0).fmt(f),
        }
    }
}
