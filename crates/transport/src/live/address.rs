//! Splits a URL into its parts without changing a byte.

use runninghub_core::{SocketUrl, say};

use crate::{Error, ErrorKind};

/// The parts of a WebSocket URL, all of them slices of it.
///
/// Doesn't use a URL type: those drop, re-encode or reject parts of this platform's URLs, and the ticket in the query
/// is signed exactly as written.
#[derive(Clone, Copy)]
pub(super) struct Address<'a> {
    /// Whether it is `wss`.
    pub(super) tls: bool,
    /// Host and port as written, for the `Host` header.
    pub(super) authority: &'a str,
    /// The host without the brackets of an IPv6 address.
    pub(super) host: &'a str,
    /// The port, or the scheme's default.
    pub(super) port: u16,
    /// Path and query as written; starts with `/` or `?`, or is empty.
    target: &'a str,
}

impl<'a> Address<'a> {
    pub(super) fn parse(url: &'a SocketUrl) -> Result<Self, Error> {
        let refuse = |what| Err(Error::new(ErrorKind::Address, what));
        let url = url.expose();
        let Some((scheme, rest)) = url.split_once("://") else {
            return refuse(say!("not a WebSocket URL: it does not start with wss://"));
        };
        let tls = match scheme {
            _ if scheme.eq_ignore_ascii_case("wss") => true,
            _ if scheme.eq_ignore_ascii_case("ws") => false,
            _ => return refuse(say!("not a WebSocket URL: it does not start with wss://")),
        };
        // A line break would end the request line, and a space would end the URL.
        if rest.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return refuse(say!("the WebSocket URL contains a space or a control character"));
        }
        let (authority, target) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let target = target.split('#').next().unwrap_or_default();
        if authority.contains('@') {
            return refuse(say!("WebSocket URLs with a user and password are not supported"));
        }
        let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => (host, port),
            None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
        };
        let name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
        if host.is_empty() || !host.bytes().all(name) {
            return refuse(say!("the WebSocket URL has no host, or one that is not ASCII"));
        }
        let port = match port {
            "" | ":" => Some(if tls { 443 } else { 80 }),
            _ => port.strip_prefix(':').and_then(|port| port.parse().ok()),
        };
        match port {
            Some(port) => Ok(Self { tls, authority, host, port, target }),
            None => refuse(say!("the WebSocket URL has an invalid port")),
        }
    }

    /// Whether the host is this machine, where plain `ws` is safe.
    pub(super) fn is_loopback(&self) -> bool {
        runninghub_net::is_loopback(self.host)
    }

    /// The target for the request line.
    pub(super) fn target(&self) -> String {
        let slash = if self.target.starts_with('/') { "" } else { "/" };
        format!("{slash}{}", self.target)
    }

    /// Host and port with an `http` scheme, as connectors and proxy rules expect it.
    pub(super) fn http(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        format!("{scheme}://{open}{}{close}:{}/", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> Result<(bool, String, String, u16, String, String), ErrorKind> {
        let url = SocketUrl::new(url);
        let it = Address::parse(&url).map_err(|error| error.kind())?;
        Ok((it.tls, it.authority.into(), it.host.into(), it.port, it.target(), it.http()))
    }

    #[test]
    fn urls_are_parsed_without_changes() {
        let all: &[(&str, bool, &str, &str, u16, &str, &str)] = &[
            (
                "wss://www.runninghub.cn:443/ws/c?b=2&a=%3d%3D&t=https://x:1/y",
                true,
                "www.runninghub.cn:443",
                "www.runninghub.cn",
                443,
                "/ws/c?b=2&a=%3d%3D&t=https://x:1/y",
                "https://www.runninghub.cn:443/",
            ),
            ("WS://LocalHost?x", false, "LocalHost", "LocalHost", 80, "/?x", "http://LocalHost:80/"),
            ("ws://[::1]:8188/ws", false, "[::1]:8188", "::1", 8188, "/ws", "http://[::1]:8188/"),
            ("wss://h:/a#part", true, "h:", "h", 443, "/a", "https://h:443/"),
            ("wss://h", true, "h", "h", 443, "/", "https://h:443/"),
        ];
        for &(url, tls, authority, host, port, target, http) in all {
            let expected = (tls, authority.into(), host.into(), port, target.into(), http.into());
            assert_eq!(parts(url), Ok(expected), "{url}");
        }
    }

    #[test]
    fn text_that_is_not_a_url_is_refused() {
        for url in [
            "",
            "wss:",
            "https://h/",
            "wss://",
            "wss:///path",
            "wss://h:70000/",
            "wss://h:x/",
            "wss://[::1/",
            "wss://me:pw@h/",
            "wss://h/a b",
            "wss://h/a\r\nX: y",
            "wss://例え.jp/",
        ] {
            assert_eq!(parts(url), Err(ErrorKind::Address), "{url:?}");
        }
    }

    #[test]
    fn loopback_is_this_machine_only() {
        let loopback = |host: &str| {
            let url = SocketUrl::new(format!("ws://{host}/"));
            Address::parse(&url).is_ok_and(|address| address.is_loopback())
        };
        for host in ["127.0.0.1", "127.9.9.9:1", "[::1]", "[::ffff:127.0.0.1]", "localhost:8188"] {
            assert!(loopback(host), "{host}");
        }
        for host in ["10.0.0.1", "0.0.0.0", "localhost.example", "127.0.0.1.example", "[::2]", "128.0.0.1"] {
            assert!(!loopback(host), "{host}");
        }
    }
}
