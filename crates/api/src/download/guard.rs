//! Which addresses may be fetched: a server must not be able to send us into the local network.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use runninghub_core::is_public;
use url::{Host, Url};

use super::fetch::CALL;
use crate::{Error, ErrorKind, error::stems_from};

const PRIVATE: &str = "the address is a private one";

/// Parses an address and checks what can be seen without resolving its name. With `public_only` it has to be
/// `https`, and an IP address in it has to be public.
pub(crate) fn check(url: &str, public_only: bool) -> Result<Url, Error> {
    let forbidden = |reason| Error::new(CALL, ErrorKind::Forbidden { reason });
    let url = Url::parse(url).map_err(|_| forbidden("it is no address"))?;
    match url.scheme() {
        "https" => {}
        "http" if !public_only => {}
        _ => return Err(forbidden("the address is not an `https` one")),
    }
    let is_private = match url.host() {
        Some(Host::Ipv4(address)) => !is_public(address.into()),
        Some(Host::Ipv6(address)) => !is_public(address.into()),
        // A proxy would resolve these to itself.
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost") || proxies().iter().any(|proxy| proxy == name)
        }
        None => true,
    };
    if public_only && is_private { Err(forbidden(PRIVATE)) } else { Ok(url) }
}

/// A resolver that keeps private addresses to itself, so that no connection to one can be made.
///
/// The names of the proxies in the environment are exempt: a proxy in the local network is what people have. Behind
/// a proxy the names of results are resolved by the proxy, out of sight.
pub(crate) struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let is_proxy = proxies().iter().any(|proxy| proxy == name.as_str());
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let usable: Vec<SocketAddr> =
                found.filter(|address| is_proxy || is_public(address.ip())).collect();
            if usable.is_empty() { Err(Private.into()) } else { Ok(Box::new(usable.into_iter()) as Addrs) }
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the name leads to private addresses only")]
struct Private;

/// An error of reqwest, which may hide that the resolver said no.
pub(crate) fn transport(call: &'static str, error: reqwest::Error) -> Error {
    if stems_from::<Private>(&error) {
        return Error::new(call, ErrorKind::Forbidden { reason: PRIVATE });
    }
    Error::transport(call, error)
}

/// The hosts of the proxies in the environment.
fn proxies() -> Vec<String> {
    ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .filter_map(|value| {
            let url = Url::parse(&value)
                .ok()
                .filter(Url::has_host)
                .or_else(|| Url::parse(&format!("http://{value}")).ok())?;
            url.host_str().map(str::to_owned)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_in_every_disguise() {
        for bad in [
            "https://127.0.0.1/a",
            "https://2130706433/a",
            "https://0x7f.1/a",
            "https://0/a",
            "https://10.1.2.3/a",
            "https://172.31.0.1/a",
            "https://192.168.0.1/a",
            "https://169.254.169.254/latest/meta-data",
            "https://100.64.0.1/a",
            "https://198.18.0.1/a",
            "https://255.255.255.255/a",
            "https://[::1]/a",
            "https://[::]/a",
            "https://[::ffff:169.254.169.254]/a",
            "https://[::7f00:1]/a",
            "https://[64:ff9b::a00:1]/a",
            "https://[2002:a00:1::]/a",
            "https://[fd00::1]/a",
            "https://[fe80::1]/a",
            "https://[ff02::1]/a",
            "https://[2001:0:1::]/a",
            "https://localhost/a",
            "https://LOCALHOST./a",
            "https://a.localhost/a",
        ] {
            check(bad, true).expect_err(bad);
            check(bad, false).expect(bad);
        }
        for good in ["https://8.8.8.8/a", "https://[2606:4700::1]/a", "https://rh-images.xiaoyaoyou.com/a?b"]
        {
            check(good, true).expect(good);
        }
    }

    /// Names that lead to this machine: the resolver says no before anything is connected.
    #[tokio::test]
    async fn names_of_private_addresses_are_not_resolved() {
        let name = || "localhost".parse::<Name>().expect("a name");
        let error = PublicOnly.resolve(name()).await.map(Iterator::count).expect_err("a private address");
        assert!(error.is::<Private>(), "{error}");
        let client = reqwest::Client::builder().no_proxy().dns_resolver(PublicOnly);
        let tls = crate::lanes::nobody().expect("a configuration");
        let client = client.tls_backend_preconfigured(tls).build().expect("a client");
        let error = client.get("http://localhost:1/").send().await.expect_err("a private address");
        assert!(matches!(transport(CALL, error).kind(), ErrorKind::Forbidden { .. }));
    }

    #[test]
    fn other_schemes_are_never_fetched() {
        for bad in ["file:///etc/passwd", "data:text/plain,a", "ftp://h/a", "//h/a", "", "javascript:1"] {
            check(bad, true).expect_err(bad);
            check(bad, false).expect_err(bad);
        }
        check("http://8.8.8.8/a", true).expect_err("no encryption");
    }
}
