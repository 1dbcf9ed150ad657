//! The hosts that may be reached: a server must not be able to redirect requests into the local network.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
    vec,
};

use hyper_util::client::legacy::connect::dns::Name;
use reqwest::dns::{Addrs, Resolve, Resolving};
use runninghub_core::{is_public, say};
use tokio::time::timeout;
use tower_service::Service;
use url::{Host, Url};

use crate::{
    Error, ErrorKind,
    error::{PRIVATE, Private, stems_from},
};

/// Timeout for looking up a name that a proxy will resolve: behind some proxies there is no DNS.
const LOOKUP: Duration = Duration::from_secs(3);

/// Resolves names like the system does. With public addresses only, private results are dropped, so that no
/// connection to one is possible. A proxy resolves names itself, see [`Guard::vet`].
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    public_only: bool,
    /// Hosts of proxies, which may be in the local network.
    proxies: Arc<[String]>,
}

impl Guard {
    pub(crate) fn new(public_only: bool, proxies: &[String]) -> Self {
        Self { public_only, proxies: proxies.into() }
    }

    /// Parses a file's URL and checks what is visible without resolving its name. With public addresses only, it has
    /// to be `https`, and an IP address in it has to be public.
    pub(crate) fn check(&self, url: &str) -> Result<Url, Error> {
        let forbidden = |reason| Error::new(ErrorKind::Forbidden { reason });
        let url = Url::parse(url).map_err(|_| forbidden(say!("it is not a URL")))?;
        match url.scheme() {
            "https" => {}
            "http" if !self.public_only => {}
            _ => return Err(forbidden(say!("the URL is not an `https` one"))),
        }
        let is_private = match url.host() {
            Some(Host::Ipv4(address)) => !is_public(address.into()),
            Some(Host::Ipv6(address)) => !is_public(address.into()),
            // A proxy would resolve these to its own machine.
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                name == "localhost" || name.ends_with(".localhost") || self.is_proxy(name)
            }
            None => true,
        };
        if self.public_only && is_private { Err(forbidden(PRIVATE)) } else { Ok(url) }
    }

    fn is_proxy(&self, name: &str) -> bool {
        let bare = |name: &str| name.trim_end_matches('.').to_ascii_lowercase();
        self.proxies.iter().any(|proxy| bare(proxy) == bare(name))
    }

    /// Checks a URL whose name a proxy will resolve, as far as this machine can: a name that leads to private addresses
    /// here probably does so there.
    pub(crate) async fn vet(&self, url: &Url) -> Result<(), Error> {
        let Some(Host::Domain(name)) = url.host().filter(|_| self.public_only) else { return Ok(()) };
        match timeout(LOOKUP, self.clone().lookup(name.to_owned())).await {
            Ok(Err(error)) if stems_from::<Private>(&error) => {
                Err(Error::new(ErrorKind::Forbidden { reason: PRIVATE }).because(error))
            }
            // If the name doesn't resolve here, only the proxy knows the address.
            _ => Ok(()),
        }
    }

    async fn lookup(self, name: String) -> io::Result<vec::IntoIter<SocketAddr>> {
        let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
        let is_free = !self.public_only || self.is_proxy(&name);
        let usable: Vec<_> = found.filter(|address| is_free || is_public(address.ip())).collect();
        if usable.is_empty() { Err(io::Error::other(Private)) } else { Ok(usable.into_iter()) }
    }
}

/// For HTTP.
impl Resolve for Guard {
    fn resolve(&self, name: reqwest::dns::Name) -> Resolving {
        let lookup = self.clone().lookup(name.as_str().to_owned());
        Box::pin(async move { Ok(Box::new(lookup.await?) as Addrs) })
    }
}

/// For sockets.
impl Service<Name> for Guard {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        Box::pin(self.clone().lookup(name.as_str().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::trusting_nothing;

    fn public_only() -> Guard {
        Guard::new(true, &["proxy.example".to_owned()])
    }

    #[test]
    fn private_addresses_are_refused_in_every_disguise() {
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
            "https://proxy.example/a",
        ] {
            public_only().check(bad).expect_err(bad);
            Guard::new(false, &[]).check(bad).expect(bad);
        }
        for good in ["https://8.8.8.8/a", "https://[2606:4700::1]/a", "https://rh-images.xiaoyaoyou.com/a?b"]
        {
            public_only().check(good).expect(good);
        }
    }

    #[test]
    fn other_schemes_are_never_fetched() {
        for bad in ["file:///etc/passwd", "data:text/plain,a", "ftp://h/a", "//h/a", "", "javascript:1"] {
            public_only().check(bad).expect_err(bad);
            Guard::new(false, &[]).check(bad).expect_err(bad);
        }
        public_only().check("http://8.8.8.8/a").expect_err("no encryption");
    }

    #[tokio::test]
    async fn a_private_name_is_refused_even_if_a_proxy_resolves_it() {
        let url = |host| Url::parse(&format!("https://{host}/a.png")).expect("a URL");
        let error = public_only().vet(&url("localhost")).await.expect_err("a private address");
        assert!(matches!(error.kind(), ErrorKind::Forbidden { .. }), "{error:?}");
        public_only().vet(&url("nowhere.invalid")).await.expect("only the proxy may know it");
        Guard::new(false, &[]).vet(&url("localhost")).await.expect("private hosts are allowed");
    }

    #[test]
    fn the_name_of_a_proxy_has_many_spellings() {
        let guard = Guard::new(true, &["Proxy.LAN".to_owned()]);
        assert!(guard.is_proxy("proxy.lan") && guard.is_proxy("PROXY.lan."));
        assert!(!guard.is_proxy("a.proxy.lan"));
    }

    /// The resolver refuses before any connection.
    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_not_resolved() {
        let name = || "localhost".parse::<Name>().expect("a name");
        let error = public_only().call(name()).await.expect_err("a private address");
        assert!(stems_from::<Private>(&error), "{error}");
        assert!(Guard::new(false, &[]).call(name()).await.expect("resolved").count() > 0);

        let client = |guard| {
            let client = reqwest::Client::builder().no_proxy().dns_resolver(guard);
            client
                .tls_backend_preconfigured(trusting_nothing().expect("a configuration"))
                .build()
                .expect("a client")
        };
        let error = client(public_only()).get("http://localhost:1/").send().await.expect_err("private");
        let error = Error::request(error);
        assert!(matches!(error.kind(), ErrorKind::Forbidden { .. }), "{error:?}");
        let proxy = Guard::new(true, &["localhost".to_owned()]);
        let error = client(proxy).get("http://localhost:1/").send().await.expect_err("nothing listens there");
        let error = Error::request(error);
        assert!(matches!(error.kind(), ErrorKind::Connect), "the name of a proxy is resolved: {error:?}");
    }
}
