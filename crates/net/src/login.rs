//! The login of one server, or of a gateway in front of it.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use runninghub_core::{Sentence, say};
use url::Url;

use crate::{Error, ErrorKind};

/// What a server requires with every request: a header, or a parameter in the query of its URLs.
///
/// It is sent to no other server. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Login {
    sent: Sent,
    secrets: Vec<String>,
}

#[derive(Clone)]
enum Sent {
    Header(HeaderName, HeaderValue),
    Query(String, String),
}

impl Login {
    /// Reads a login as users write it: `Basic USER:PASSWORD` or `USER:PASSWORD`, `Bearer TOKEN`, any header as `NAME:
    /// VALUE`, or a parameter as `?NAME=VALUE`.
    ///
    /// # Errors
    /// [`ErrorKind::Setup`] when the text is none of these. The error does not contain it.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let scheme = |name: &str| {
            let (scheme, rest) = text.split_once(' ')?;
            scheme.eq_ignore_ascii_case(name).then(|| rest.trim())
        };
        if let Some(pair) = text.strip_prefix('?') {
            let (name, value) = pair
                .split_once('=')
                .filter(|(name, value)| !name.is_empty() && !value.is_empty())
                .ok_or_else(unreadable)?;
            return Ok(Self::query(name, value));
        }
        if let Some(token) = scheme("bearer") {
            return Self::header(AUTHORIZATION, &format!("Bearer {token}"), vec![token.to_owned()]);
        }
        if let Some(given) = scheme("basic") {
            return match given.split_once(':') {
                Some((user, password)) => Self::basic(user, password),
                // Already encoded.
                None => Self::header(AUTHORIZATION, &format!("Basic {given}"), vec![given.to_owned()]),
            };
        }
        if let Some((name, value)) = text.split_once(": ") {
            let name = name.trim().parse().map_err(|_| unreadable())?;
            return Self::header(name, value.trim(), vec![value.trim().to_owned()]);
        }
        let (user, password) = text.split_once(':').ok_or_else(unreadable)?;
        Self::basic(user, password)
    }

    /// A user and a password, as HTTP Basic authentication.
    ///
    /// # Errors
    /// [`ErrorKind::Setup`] when the user is empty.
    pub fn basic(user: &str, password: &str) -> Result<Self, Error> {
        if user.is_empty() {
            return Err(unreadable());
        }
        let encoded = STANDARD.encode(format!("{user}:{password}"));
        Self::header(AUTHORIZATION, &format!("Basic {encoded}"), vec![password.to_owned(), encoded])
    }

    /// A parameter in the query of every URL, such as `token`.
    pub fn query(name: &str, value: &str) -> Self {
        Self { sent: Sent::Query(name.to_owned(), value.to_owned()), secrets: vec![value.to_owned()] }
    }

    fn header(name: HeaderName, value: &str, secrets: Vec<String>) -> Result<Self, Error> {
        let mut value = HeaderValue::from_str(value).map_err(|_| unreadable())?;
        if value.is_empty() || secrets.iter().all(String::is_empty) {
            return Err(unreadable());
        }
        value.set_sensitive(true);
        Ok(Self { sent: Sent::Header(name, value), secrets })
    }

    /// The texts that must not appear in logs, messages and recordings.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().map(String::as_str).filter(|secret| !secret.is_empty())
    }

    /// The header to send, if the login is one.
    pub fn as_header(&self) -> Option<(&HeaderName, &HeaderValue)> {
        match &self.sent {
            Sent::Header(name, value) => Some((name, value)),
            Sent::Query(..) => None,
        }
    }

    /// Adds the parameter to a URL, if the login is one and the URL does not have it.
    pub fn complete(&self, url: &mut Url) {
        if let Sent::Query(name, value) = &self.sent
            && !url.query_pairs().any(|(known, _)| known == *name)
        {
            url.query_pairs_mut().append_pair(name, value);
        }
    }
}

/// A server's URL without the login in it, and the secrets of that login. Text that isn't a URL is returned unchanged.
pub fn split_login(text: &str) -> (String, Vec<String>) {
    let Ok(mut url) = Url::parse(text) else { return (text.to_owned(), Vec::new()) };
    let query = url.query_pairs().map(|(_, value)| value.into_owned());
    let secrets: Vec<String> = url.password().map(str::to_owned).into_iter().chain(query).collect();
    if secrets.is_empty() {
        return (text.to_owned(), secrets);
    }
    // Neither fails for a URL with a host.
    let _ = (url.set_username(""), url.set_password(None));
    url.set_query(None);
    (url.as_str().trim_end_matches('/').to_owned(), secrets)
}

fn unreadable() -> Error {
    let problem: Sentence = say!("it is not a login");
    Error::new(ErrorKind::Setup { problem }).about(say!("the server's login"))
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(***)")
    }
}

/// A login and the only server that gets it.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    host: String,
    port: Option<u16>,
    is_tls: bool,
    login: Login,
}

impl Bound {
    pub(crate) fn new(base: &Url, login: Login) -> Self {
        Self {
            host: bare(base.host_str().unwrap_or_default()).to_owned(),
            port: base.port_or_known_default(),
            is_tls: base.scheme() == "https",
            login,
        }
    }

    /// The login, if this is its server.
    pub(crate) fn at(&self, host: &str, port: Option<u16>, is_tls: bool) -> Option<&Login> {
        let is_same =
            bare(host).eq_ignore_ascii_case(&self.host) && port == self.port && is_tls == self.is_tls;
        is_same.then_some(&self.login)
    }
}

/// A host without the brackets of an IPv6 address.
fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    fn sent(text: &str) -> String {
        let login = Login::parse(text).expect(text);
        let mut address = url("http://h/ws?clientId=1");
        login.complete(&mut address);
        let header =
            login.as_header().map(|(name, value)| format!("{name}: {}", value.to_str().expect("ASCII")));
        format!("{} {}", header.unwrap_or_default(), address.query().unwrap_or_default())
    }

    #[test]
    fn a_login_is_read_as_people_write_it() {
        assert_eq!(sent("Basic me:pa:ss\n"), "authorization: Basic bWU6cGE6c3M= clientId=1");
        assert_eq!(sent("me:pa:ss"), "authorization: Basic bWU6cGE6c3M= clientId=1");
        assert_eq!(sent("basic bWU6cGE6c3M="), "authorization: Basic bWU6cGE6c3M= clientId=1");
        assert_eq!(sent(" bearer t0ken "), "authorization: Bearer t0ken clientId=1");
        assert_eq!(sent("X-Api-Key: k"), "x-api-key: k clientId=1");
        assert_eq!(sent("?token=t+0"), " clientId=1&token=t%2B0");
        for bad in ["", "token", "?token", "?=x", ":pw", "Bearer ", "X Y: z"] {
            let error = Login::parse(bad).expect_err(bad);
            assert_eq!(error.to_string(), "the server's login: it is not a login", "{bad}");
        }
    }

    #[test]
    fn a_url_is_shown_without_its_login() {
        for (text, shown, secrets) in [
            ("http://me:pw@h:8188/x", "http://h:8188/x", vec!["pw"]),
            ("http://h:8188?token=t", "http://h:8188", vec!["t"]),
            ("http://127.0.0.1:8188", "http://127.0.0.1:8188", vec![]),
            ("127.0.0.1:8188", "127.0.0.1:8188", vec![]),
        ] {
            assert_eq!(
                split_login(text),
                (shown.to_owned(), secrets.into_iter().map(str::to_owned).collect())
            );
        }
    }

    #[test]
    fn a_login_is_for_one_server_and_shows_nothing() {
        let login = Login::parse("me:s3cret").expect("a login");
        assert_eq!(format!("{login:?}"), "Login(***)");
        assert!(login.secrets().any(|secret| secret == "s3cret"));
        let bound = |base: &str| Bound::new(&url(base), login.clone());
        let example = bound("https://Comfy.example/x");
        assert!(example.at("comfy.example", Some(443), true).is_some());
        for (host, port, is_tls) in
            [("comfy.example", 443, false), ("comfy.example", 8443, true), ("comfy.example.evil", 443, true)]
        {
            assert!(example.at(host, Some(port), is_tls).is_none(), "{host}:{port}");
        }
        assert!(bound("http://[::1]:8188").at("::1", Some(8188), false).is_some());
    }
}
