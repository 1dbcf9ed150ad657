//! Whether a proxy is in the way, and which.

use std::fmt;

use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use tokio_tungstenite::tungstenite::http::Uri;

use super::address::Address;
use crate::{Error, ErrorKind};

/// Which proxy a connection takes: HTTP `CONNECT` (`http://`) or SOCKS5 (`socks5://`, `socks5h://`).
///
/// Never for this machine itself: a proxy's loopback is another one.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum ProxyChoice {
    /// As `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say, in capitals or not, read anew for each connection.
    #[default]
    Environment,
    /// None.
    Off,
    /// This one, for every address that is not in `NO_PROXY`. It may hold user and password, which are never shown.
    Url(String),
}

impl ProxyChoice {
    pub(super) fn find(&self, address: &Address<'_>, target: &Uri) -> Result<Option<Intercept>, Error> {
        let matcher = match self {
            Self::Off => return Ok(None),
            Self::Environment => Matcher::from_env(),
            Self::Url(url) => named(url, &no_proxy())?,
        };
        Ok(if address.is_loopback() { None } else { matcher.intercept(target) })
    }
}

/// The matcher leaves out what it does not understand; going there directly is not what was asked for.
fn named(url: &str, no_proxy: &str) -> Result<Matcher, Error> {
    let found = Matcher::builder().all(url).build().intercept(&Uri::from_static("https://runninghub.cn/"));
    match found.as_ref().and_then(|proxy| proxy.uri().scheme_str()) {
        Some("http" | "socks5" | "socks5h") => Ok(Matcher::builder().all(url).no(no_proxy).build()),
        _ => Err(Error::new(ErrorKind::Proxy, "the proxy's address cannot be used")),
    }
}

fn no_proxy() -> String {
    ["NO_PROXY", "no_proxy"].iter().find_map(|name| std::env::var(name).ok()).unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use runninghub_core::SocketUrl;

    use super::*;

    /// The same table is held against the HTTP client: both have to go the same way.
    const TABLE: &str = include_str!("../../../../fixtures/no-proxy.txt");

    #[test]
    fn exceptions_are_what_they_are_for_http() {
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let [way, host, no_proxy] = line.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            let url = SocketUrl::new(format!("wss://{host}/ws"));
            let address = Address::parse(&url).unwrap();
            let rules = named("http://me:hunter2@127.0.0.1:3128", no_proxy).unwrap();
            let found = rules.intercept(&address.http().parse().unwrap());
            assert_eq!(found.is_some(), way == "proxy", "{line}");
        }
    }

    #[test]
    fn this_machine_is_reached_directly_but_no_nonsense_is_accepted() {
        let url = SocketUrl::new("ws://127.0.0.1:1/ws");
        let address = Address::parse(&url).unwrap();
        let target = address.http().parse().unwrap();
        let find = |proxy: &str| ProxyChoice::Url(proxy.to_owned()).find(&address, &target);
        assert!(find("socks5://127.0.0.1:9").unwrap().is_none());
        assert_eq!(find("nonsense://h").unwrap_err().kind(), ErrorKind::Proxy);
    }
}
