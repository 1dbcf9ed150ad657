//! Which hosts may be dialed: a server must not be able to send the ticket, or this client, to arbitrary hosts.

use std::net::IpAddr;

use runninghub_core::{Sentence, is_public, say};

use super::address::Address;
use crate::{Error, ErrorKind};

/// The hosts that a socket's URL may lead to, and whether they may be in the local network.
///
/// Behind a proxy, the proxy resolves the names, so only numeric addresses can be checked.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Hosts {
    domains: Vec<String>,
    trusted: Option<String>,
    private: bool,
}

impl Hosts {
    /// Allows these domains and all their subdomains, at public IP addresses only.
    pub fn of<S: Into<String>>(domains: impl IntoIterator<Item = S>) -> Self {
        Self { domains: domains.into_iter().map(Into::into).collect(), trusted: None, private: false }
    }

    /// Allows one more host, at any IP address, because the caller has chosen it.
    pub fn trusting(self, host: impl Into<String>) -> Self {
        Self { trusted: Some(host.into()), ..self }
    }

    /// Whether private and loopback addresses are allowed, including as literal hosts.
    pub fn private(self, allowed: bool) -> Self {
        Self { private: allowed, ..self }
    }

    /// Checks the host. Returns whether its IP addresses must be public.
    pub(super) fn check(&self, address: &Address<'_>) -> Result<bool, Error> {
        let host = address.host.trim_end_matches('.');
        if self.trusted.as_ref().is_some_and(|trusted| trusted.eq_ignore_ascii_case(host)) {
            return Ok(false);
        }
        let is_private = match host.parse::<IpAddr>() {
            Ok(ip) => !is_public(ip),
            Err(_) => is_below(host, "localhost"),
        };
        let known = self.domains.iter().any(|domain| is_below(host, domain));
        match (is_private, known) {
            (true, _) if self.private => Ok(false),
            (true, _) => Err(forbidden(address, say!("a private address"))),
            (false, true) => Ok(!self.private),
            (false, false) => Err(forbidden(address, say!("not one of the platform's hosts"))),
        }
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    let Some(start) = host.len().checked_sub(domain.len()) else { return false };
    let (above, end) = (host.get(..start).unwrap_or_default(), host.get(start..).unwrap_or_default());
    end.eq_ignore_ascii_case(domain) && (above.is_empty() || above.ends_with('.'))
}

pub(super) fn forbidden(address: &Address<'_>, why: Sentence) -> Error {
    let what = say!("refused to connect to {host}: {why}", host = address.authority, why);
    Error::new(ErrorKind::ForbiddenHost, what)
}

#[cfg(test)]
mod tests {
    use runninghub_core::SocketUrl;

    use super::*;

    fn check(hosts: &Hosts, host: &str) -> Result<bool, ErrorKind> {
        let url = SocketUrl::new(format!("wss://{host}/ws?ticket"));
        hosts.check(&Address::parse(&url).unwrap()).map_err(|error| error.kind())
    }

    const PLATFORM: [&str; 10] = [
        "runninghub.cn",
        "www.runninghub.cn:443",
        "WWW.RunningHub.AI",
        "a.b.runninghub.ai.",
        "runninghub.cn.",
        "ws-7.runninghub.cn",
        "www.runninghub.cn:11443",
        "x.runninghub.ai:80",
        "runninghub.ai",
        "_.runninghub.cn",
    ];
    const FOREIGN: [&str; 9] = [
        "evilrunninghub.cn",
        "runninghub.cn.evil.example",
        "runninghub.com",
        "cn",
        "8.8.8.8",
        "[2606:4700::1]",
        "unninghub.cn",
        "gateway.example",
        "-runninghub.ai",
    ];
    const PRIVATE: [&str; 9] = [
        "127.0.0.1:8188",
        "10.0.0.7",
        "192.168.1.1",
        "169.254.169.254",
        "[::1]",
        "[::ffff:10.0.0.1]",
        "[fd00::1]",
        "localhost",
        "a.LocalHost",
    ];

    #[test]
    fn only_the_platform_at_public_addresses() {
        let hosts = Hosts::of(["runninghub.cn", "runninghub.ai"]);
        for host in PLATFORM {
            assert_eq!(check(&hosts, host), Ok(true), "{host}");
        }
        for host in FOREIGN.into_iter().chain(PRIVATE) {
            assert_eq!(check(&hosts, host), Err(ErrorKind::ForbiddenHost), "{host}");
        }
    }

    #[test]
    fn configured_hosts_may_be_anywhere_and_private_ones_need_permission() {
        let hosts = Hosts::of(["runninghub.cn"]).trusting("gateway.example");
        assert_eq!(check(&hosts, "Gateway.Example:8443"), Ok(false));
        assert_eq!(check(&hosts, "sub.gateway.example"), Err(ErrorKind::ForbiddenHost));
        assert_eq!(check(&Hosts::default().trusting("10.0.0.7"), "10.0.0.7"), Ok(false));
        assert_eq!(check(&Hosts::default().trusting("10.0.0.7"), "10.0.0.8"), Err(ErrorKind::ForbiddenHost));
        let hosts = Hosts::of(["runninghub.cn", "runninghub.ai"]).private(true);
        for host in PRIVATE.into_iter().chain(PLATFORM) {
            assert_eq!(check(&hosts, host), Ok(false), "{host}");
        }
        for host in FOREIGN {
            assert_eq!(check(&hosts, host), Err(ErrorKind::ForbiddenHost), "{host}");
        }
    }
}
