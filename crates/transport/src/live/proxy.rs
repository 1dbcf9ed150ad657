//! Whether a proxy is in the way, and which.

use std::fmt;

use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use tokio_tungstenite::tungstenite::http::Uri;

use super::address::Address;
use crate::{Error, ErrorKind};

/// Which proxy a connection takes: HTTP `CONNECT` (`http://`) or SOCKS5 (`socks5://`, `socks5h://`).
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum ProxyChoice {
    /// As `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say, read anew for each connection. Never for this
    /// machine itself: a proxy's loopback is another one.
    #[default]
    Environment,
    /// None.
    Off,
    /// This one, for every address. It may hold user and password, which are never shown.
    Url(String),
}

impl ProxyChoice {
    pub(super) fn find(&self, address: &Address<'_>, target: &Uri) -> Result<Option<Intercept>, Error> {
        match self {
            Self::Off => Ok(None),
            Self::Environment if address.is_loopback() => Ok(None),
            Self::Environment => Ok(Matcher::from_env().intercept(target)),
            // The matcher leaves out what it does not understand; going there directly is not what was asked for.
            Self::Url(url) => match Matcher::builder().all(url.as_str()).build().intercept(target) {
                Some(proxy) => Ok(Some(proxy)),
                None => Err(Error::new(ErrorKind::Proxy, "the proxy's address cannot be used")),
            },
        }
    }
}

impl fmt::Debug for ProxyChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Environment => "Environment",
            Self::Off => "Off",
            Self::Url(_) => "Url(…)",
        })
    }
}
