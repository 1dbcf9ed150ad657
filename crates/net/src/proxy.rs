//! Chooses how a connection is made: directly, or through a proxy.

use std::fmt;

use http::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use runninghub_core::say;
use url::Url;

use crate::{Error, ErrorKind};

/// The proxy to use: HTTP `CONNECT` (`http://`) or SOCKS5 (`socks5://`, `socks5h://`).
///
/// Never used for this machine: a proxy's loopback is another machine.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Proxy {
    /// From `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in upper or lower case.
    #[default]
    Environment,
    /// No proxy.
    Off,
    /// This proxy, for every host that is not in `NO_PROXY`. The URL may contain user and password, which are never
    /// displayed.
    Url(String),
}

impl<S: AsRef<str> + ?Sized> From<&S> for Proxy {
    fn from(url: &S) -> Self {
        Self::Url(url.as_ref().to_owned())
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Environment => "Environment",
            Self::Off => "Off",
            Self::Url(_) => "Url(…)",
        })
    }
}

/// A checked proxy, for HTTP clients and for sockets. Both match hosts with the same code.
pub(crate) struct Route {
    matcher: Option<Matcher>,
    /// `None` means the environment's proxy.
    named: Option<reqwest::Proxy>,
    /// The proxies' host names, which may resolve to private addresses.
    pub(crate) hosts: Vec<String>,
}

impl Route {
    pub(crate) fn new(proxy: &Proxy) -> Result<Self, Error> {
        match proxy {
            Proxy::Environment => Ok(Self::environment()),
            Proxy::Off => Ok(Self { matcher: None, named: None, hosts: Vec::new() }),
            Proxy::Url(url) => {
                let except = ["NO_PROXY", "no_proxy"].iter().find_map(|name| std::env::var(name).ok());
                Self::through(url, &except.unwrap_or_default())
            }
        }
    }

    pub(crate) fn environment() -> Self {
        Self { matcher: Some(Matcher::from_env()), named: None, hosts: hosts_in_environment() }
    }

    /// The URL may contain a password, so errors don't include it.
    pub(crate) fn through(text: &str, except: &str) -> Result<Self, Error> {
        let wrong = |problem| Error::new(say!("proxy"), ErrorKind::Proxy { problem });
        let url =
            Url::parse(text.trim()).map_err(|_| wrong(say!("it is not a URL like `http://host:port`")))?;
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.filter(|_| matches!(url.scheme(), "http" | "socks5" | "socks5h"));
        let host =
            host.ok_or_else(|| wrong(say!("it is neither `http://host:port` nor `socks5://host:port`")))?;
        let all = || Matcher::builder().all(url.as_str());
        let named = reqwest::Proxy::all(url.as_str()).ok();
        // The matcher ignores URLs that it does not understand, which would mean an unwanted direct connection.
        let is_understood = all().build().intercept(&Uri::from_static("https://runninghub.cn/")).is_some();
        let named = named.filter(|_| is_understood).ok_or_else(|| wrong(say!("it cannot be used")))?;
        Ok(Self {
            matcher: Some(all().no(except).build()),
            named: Some(named.no_proxy(reqwest::NoProxy::from_string(except))),
            hosts: vec![host.to_owned()],
        })
    }

    /// The proxy for a socket.
    pub(crate) fn find(&self, target: &Uri) -> Option<Intercept> {
        self.matcher.as_ref().filter(|_| !is_loopback(target.host().unwrap_or_default()))?.intercept(target)
    }

    /// The same for an HTTP client, whose caller knows whether it is for this machine.
    pub(crate) fn apply(&self, builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
        match (&self.matcher, &self.named) {
            (None, _) => builder.no_proxy(),
            (_, Some(proxy)) => builder.proxy(proxy.clone()),
            (Some(_), None) => builder,
        }
    }
}

/// Whether a host is this machine. The name `localhost` counts: the system's resolver maps it to loopback addresses.
pub fn is_loopback(host: &str) -> bool {
    match host.trim_matches(['[', ']']).parse::<std::net::IpAddr>() {
        Ok(ip) => ip.to_canonical().is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

fn hosts_in_environment() -> Vec<String> {
    ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .filter_map(|value| {
            let url = Url::parse(&value).ok().filter(Url::has_host);
            let url = url.or_else(|| Url::parse(&format!("http://{value}")).ok())?;
            url.host_str().map(str::to_owned)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_this_machine_only() {
        for host in ["127.0.0.1", "127.9.9.9", "[::1]", "::1", "[::ffff:127.0.0.1]", "localhost", "LocalHost"]
        {
            assert!(is_loopback(host), "{host}");
        }
        for host in
            ["10.0.0.1", "0.0.0.0", "localhost.example", "127.0.0.1.example", "[::2]", "128.0.0.1", ""]
        {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn only_http_and_socks5_urls_with_a_host_are_proxies() {
        for bad in
            ["", "::", "h", "h:1", "http://", "ftp://me:hunter2@h", "https://me:hunter2@h", "socks4://h"]
        {
            let error = Route::new(&bad.into()).err().expect(bad);
            assert!(matches!(error.kind(), ErrorKind::Proxy { .. }), "{bad}: {error:?}");
            assert!(!format!("{error:?} {error}").contains("hunter2"), "{error:?}");
        }
        for good in ["http://h:1", " http://me:pw@h ", "socks5://h", "socks5h://me:pw@[::1]:9"] {
            assert!(Route::new(&good.into()).is_ok(), "{good}");
        }
        assert_eq!(format!("{:?}", Proxy::from("http://me:hunter2@h")), "Url(…)");
    }

    #[test]
    fn this_machine_is_reached_directly() {
        let route = Route::through("socks5://127.0.0.1:9", "").expect("a proxy");
        assert!(route.find(&Uri::from_static("http://127.0.0.1:1/")).is_none());
        assert!(route.find(&Uri::from_static("https://[::1]/")).is_none());
        assert!(route.find(&Uri::from_static("http://10.0.0.1/")).is_some());
        assert!(Route::new(&Proxy::Off).expect("none").find(&Uri::from_static("http://h/")).is_none());
    }
}
