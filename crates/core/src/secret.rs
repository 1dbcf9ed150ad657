//! Addresses that are credentials.

use std::fmt;

use serde::{Deserialize, Deserializer};

/// The address of a task's WebSocket (`netWssUrl`), to be used to the letter: no parameter dropped, sorted or
/// encoded anew.
///
/// Its query holds a ticket that is valid for about seven days, so the type has neither `Display` nor `Serialize`;
/// `Debug` shows scheme, host and path. [`SocketUrl::expose`] gives the whole of it.
#[derive(Clone, Eq, PartialEq)]
pub struct SocketUrl(String);

impl SocketUrl {
    /// Takes an address as the platform gave it.
    pub fn new(address: impl Into<String>) -> Self {
        Self(address.into())
    }

    /// The whole address with its ticket: for dialling, for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether both lead to the same place; the ticket may be another one.
    pub(crate) fn leads_where(&self, other: &Self) -> bool {
        fn parts(address: &str) -> impl Iterator<Item = &str> {
            address.split(['?', '&']).filter(|part| !part.starts_with("Rh-Comfy-Auth="))
        }
        parts(&self.0).eq(parts(&other.0))
    }

    /// The address without user, query and fragment: what may be shown and logged.
    pub fn masked(&self) -> String {
        let end = self.0.find(['?', '#']).unwrap_or(self.0.len());
        let (shown, hidden) = self.0.split_at(end);
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
}

impl fmt::Debug for SocketUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SocketUrl({})", self.masked())
    }
}

impl<'de> Deserialize<'de> for SocketUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ticket_is_not_shown() {
        let url = SocketUrl::new(
            "wss://me:pw@www.runninghub.cn:443/ws/c_instance?c_host=10.0.0.1&Rh-Comfy-Auth=SECRET%3D%3D",
        );
        assert_eq!(format!("{url:?}"), "SocketUrl(wss://www.runninghub.cn:443/ws/c_instance?…)");
        assert!(url.expose().ends_with("SECRET%3D%3D"));
        assert_eq!(SocketUrl::new("SECRET").masked(), "…");
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
