//! Addresses that are credentials.

use std::fmt;

use serde::{Deserialize, Deserializer};

use crate::Untrusted;

/// A type for an address whose query must not be shown.
macro_rules! secret_url {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Eq, PartialEq)]
        pub struct $name(String);

        impl $name {
            /// Takes an address as the platform gave it.
            pub fn new(address: impl Into<String>) -> Self {
                Self(address.into())
            }

            /// The whole address: for connecting, and for the person whose it is.
            pub fn expose(&self) -> &str {
                &self.0
            }

            /// The address without user, query and fragment: what may be shown and logged.
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
    /// The address of a task's WebSocket (`netWssUrl`), to be used to the letter: no parameter dropped, sorted or
    /// encoded anew.
    ///
    /// Its query holds a ticket that is valid for about seven days, so the type has neither `Display` nor `Serialize`;
    /// `Debug` shows scheme, host and path. [`SocketUrl::expose`] gives the whole of it.
    SocketUrl
}

secret_url! {
    /// The address of a result (`fileUrl`): signed, so that whoever has it has the file for about a day.
    ///
    /// The type has neither `Display` nor `Serialize`; `Debug` shows scheme, host and path. [`FileUrl::expose`] gives
    /// the whole of it.
    FileUrl
}

fn masked(address: &str) -> String {
    let end = address.find(['?', '#']).unwrap_or(address.len());
    let (shown, hidden) = address.split_at(end);
    let shown = match shown.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit('@').next().unwrap_or(authority);
            format!("{scheme}://{host}{path}")
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

    proptest! {
        /// What follows the path and what stands before the host is gone, whatever else the address is made of.
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
}
