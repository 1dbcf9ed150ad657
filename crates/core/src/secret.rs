//! URLs that contain credentials.

use std::fmt;

use serde::{Deserialize, Deserializer};

use crate::Untrusted;

/// Defines a type for a URL whose query must not be shown.
macro_rules! secret_url {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Eq, PartialEq)]
        pub struct $name(String);

        impl $name {
            /// Wraps a URL as the platform sent it.
            pub fn new(address: impl Into<String>) -> Self {
                Self(address.into())
            }

            /// The whole URL: for connecting, and for showing to its owner.
            pub fn expose(&self) -> &str {
                &self.0
            }

            /// The URL without user, query and fragment: safe to show and log.
            pub fn masked(&self) -> String {
                masked(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), Untrusted::from(self.masked()))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(Self)
            }
        }
    };
}

secret_url! {
    /// The URL of a task's WebSocket (`netWssUrl`). It must be used unchanged: no parameter dropped, reordered or
    /// re-encoded.
    ///
    /// Its query contains a ticket that is valid for about seven days, so the type has neither `Display` nor
    /// `Serialize`; `Debug` shows scheme, host and path. [`SocketUrl::expose`] gives the whole URL.
    SocketUrl
}

secret_url! {
    /// The URL of a result (`fileUrl`). It is signed: anyone with the URL can download the file for about a day.
    ///
    /// The type has neither `Display` nor `Serialize`; `Debug` shows scheme, host and path. [`FileUrl::expose`] gives
    /// the whole URL.
    FileUrl
}

impl SocketUrl {
    /// Whether both URLs are equal apart from their tickets.
    pub(crate) fn leads_where(&self, other: &Self) -> bool {
        fn parts(address: &str) -> impl Iterator<Item = &str> {
            address.split(['?', '&']).filter(|part| !part.starts_with("Rh-Comfy-Auth="))
        }
        parts(&self.0).eq(parts(&other.0))
    }
}

impl FileUrl {
    /// The URL with its query, but without the key that a native proxy (`/proxy/<key>`) has in its path: safe to show
    /// to its owner.
    pub fn without_key(&self) -> String {
        without_key(&self.0)
    }
}

/// RunningHub's native proxies have the key in the path, in the segment after one of these.
const PROXIES: [&str; 2] = ["/proxy/", "/proxy-plus/"];

fn without_key(address: &str) -> String {
    let end = address.find(['?', '#']).unwrap_or(address.len());
    let (path, query) = address.split_at(end);
    for proxy in PROXIES {
        if let Some((before, rest)) = path.split_once(proxy) {
            let after = rest.split_once('/').map_or(String::new(), |(_, after)| format!("/{after}"));
            return format!("{before}{proxy}…{after}{query}");
        }
    }
    address.to_owned()
}

fn masked(address: &str) -> String {
    let end = address.find(['?', '#']).unwrap_or(address.len());
    let (shown, hidden) = address.split_at(end);
    let shown = match shown.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit('@').next().unwrap_or(authority);
            format!("{scheme}://{host}{}", without_key(path))
        }
        None => "…".to_owned(),
    };
    if hidden.is_empty() { shown } else { shown + "?…" }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_ticket_is_not_shown() {
        let url = SocketUrl::new(
            "wss://me:pw@www.runninghub.cn:443/ws/c_instance?c_host=10.0.0.1&Rh-Comfy-Auth=SECRET%3D%3D",
        );
        assert_eq!(format!("{url:?}"), "SocketUrl(wss://www.runninghub.cn:443/ws/c_instance?…)");
        assert!(url.expose().ends_with("SECRET%3D%3D"));
        assert_eq!(SocketUrl::new("SECRET").masked(), "…");
        let url = FileUrl::new("https://rh-images.xiaoyaoyou.com/a/o.png#q-signature=SECRET");
        assert_eq!(format!("{url:?}"), "FileUrl(https://rh-images.xiaoyaoyou.com/a/o.png?…)");
        assert_eq!(format!("{:?}", FileUrl::new("https://h/\u{1b}[2J")), "FileUrl(https://h/\\u{1b}[2J)");
    }

    #[test]
    fn the_key_of_a_native_proxy_is_not_shown() {
        let url = SocketUrl::new("wss://www.runninghub.cn/proxy-plus/KEY/ws?clientId=me");
        assert_eq!(url.masked(), "wss://www.runninghub.cn/proxy-plus/…/ws?…");
        for (address, shown) in [
            ("https://h/proxy/KEY/view?filename=a.png", "https://h/proxy/…/view?filename=a.png"),
            ("https://h/proxy/KEY", "https://h/proxy/…"),
            ("https://h/view?a=/proxy/KEY", "https://h/view?a=/proxy/KEY"),
        ] {
            assert_eq!(FileUrl::new(address).without_key(), shown);
        }
    }

    proptest! {
        /// Everything before the host and after the path is removed, whatever the rest of the URL looks like.
        #[test]
        fn neither_user_nor_query_is_shown(
            scheme in "[a-z]{0,5}(://)?",
            user in "[a-z/@:%]{0,3}",
            path in "[a-z/.:é]*",
            start in "[?#]",
            query in "[a-z/@:?#&=]*",
        ) {
            let shown = FileUrl::new(format!("{scheme}{user}{path}{start}CANARY{query}")).masked();
            prop_assert!(!shown.contains("CANARY"), "{shown}");
            let shown = FileUrl::new(format!("https://CANARY{user}@h{path}")).masked();
            prop_assert!(user.contains('/') || !shown.contains("CANARY"), "{shown}");
        }
    }

    #[test]
    fn a_fresh_ticket_leads_where_the_old_one_did() {
        let one = SocketUrl::new("wss://h/ws?c_host=1&Rh-Comfy-Auth=old%3D&clientId=2");
        for (other, same) in [
            ("wss://h/ws?c_host=1&Rh-Comfy-Auth=new&clientId=2", true),
            ("wss://h/ws?c_host=1&clientId=2", true),
            ("wss://h/ws?c_host=9&Rh-Comfy-Auth=old%3D&clientId=2", false),
            ("wss://i/ws?c_host=1&Rh-Comfy-Auth=old%3D&clientId=2", false),
        ] {
            assert_eq!(one.leads_where(&SocketUrl::new(other)), same, "{other}");
        }
    }
}
