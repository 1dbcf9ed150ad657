//! The socket connector: uses the same proxy, root certificates and allowed hosts as HTTP.

use runninghub_api::Site;
use runninghub_net::{Net, is_loopback};
use runninghub_transport::{Hosts, Live, LiveOptions};
use url::Url;

/// The platform's own domains. A task of one site may run on a host of the other.
pub(crate) const DOMAINS: [&str; 2] = ["runninghub.cn", "runninghub.ai"];

/// The connector for the socket URLs that the API at a base URL returns.
pub(crate) fn live(base_url: &str, net: &Net, options: LiveOptions) -> Live {
    let url = Url::parse(base_url).ok();
    let own = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    let mut hosts = Hosts::of(DOMAINS).private(net.allows_private_hosts() || is_loopback(own));
    // A caller that configures another API gives it the key: its host is trusted.
    if ![Site::Cn, Site::Ai].iter().any(|site| site.base_url() == base_url) {
        hosts = hosts.trusting(own.trim_matches(['[', ']']));
    }
    Live::new(options.hosts(hosts).net(net.clone()))
}

#[cfg(test)]
mod tests {
    use runninghub_core::SocketUrl;
    use runninghub_net::NetOptions;
    use runninghub_transport::{Connect as _, ErrorKind};

    use super::*;

    /// How dialing a URL fails. Nothing listens on port 1: a permitted host is refused by this machine, by the
    /// missing proxy, or because the URL is not encrypted.
    async fn dial(base_url: &str, allow_private: bool, address: &str) -> ErrorKind {
        let net = NetOptions::default().proxy("http://127.0.0.1:1").allow_private_hosts(allow_private);
        let live = live(base_url, &Net::new(net).expect("options"), LiveOptions::new());
        live.connect(&SocketUrl::new(address)).await.err().expect("nobody there").kind()
    }

    #[tokio::test]
    async fn allowed_hosts_are_the_platforms_and_the_configured_one() {
        use ErrorKind::{Connect, ForbiddenHost, InsecureAddress, Proxy};
        const SITE: &str = "https://www.runninghub.cn";
        const OWN: &str = "https://gateway.example/rh";
        const HERE: &str = "http://127.0.0.1:8188";
        for (base_url, allow_private, address, expected) in [
            (SITE, false, "wss://www.runninghub.cn:443/ws?x", Proxy),
            (SITE, false, "wss://ws-3.runninghub.ai/ws?x", Proxy),
            (SITE, false, "ws://www.runninghub.cn/ws?x", InsecureAddress),
            (SITE, false, "wss://gateway.example/ws?x", ForbiddenHost),
            (SITE, false, "wss://127.0.0.1:1/ws?x", ForbiddenHost),
            (SITE, false, "ws://127.0.0.1:1/ws?x", ForbiddenHost),
            (SITE, false, "wss://10.0.0.1:1/ws?x", ForbiddenHost),
            (SITE, true, "wss://10.0.0.1:1/ws?x", Proxy),
            (SITE, true, "ws://127.0.0.1:1/ws?x", Connect),
            (SITE, true, "ws://10.0.0.1:1/ws?x", InsecureAddress),
            (SITE, true, "wss://gateway.example/ws?x", ForbiddenHost),
            (OWN, false, "wss://gateway.example:444/ws?x", Proxy),
            (OWN, false, "wss://www.runninghub.cn/ws?x", Proxy),
            (OWN, false, "wss://evil.example/ws?x", ForbiddenHost),
            ("https://10.0.0.1", false, "wss://10.0.0.1/ws?x", Proxy),
            ("https://10.0.0.1", false, "wss://10.0.0.2/ws?x", ForbiddenHost),
            ("https://myrunninghub.cn", false, "wss://myrunninghub.cn/ws?x", Proxy),
            (HERE, false, "ws://127.0.0.1:1/ws?x", Connect),
            (HERE, false, "ws://[::1]:1/ws?x", Connect),
            (HERE, false, "wss://evil.example/ws?x", ForbiddenHost),
            ("http://[::1]:8188", false, "ws://localhost:1/ws?x", Connect),
        ] {
            assert_eq!(dial(base_url, allow_private, address).await, expected, "{base_url} {address}");
        }
    }
}
