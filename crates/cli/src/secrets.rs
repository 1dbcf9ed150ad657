//! Secrets, and the filter that keeps them out of the log, errors and panics.

use std::{
    env,
    sync::{PoisonError, RwLock},
};

use runninghub::{Redactor, Untrusted, net::split_login};

/// The environment variables of proxies.
const PROXIES: [&str; 6] =
    ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];

/// Process-wide, since panics and log lines can come from anywhere.
static KNOWN: RwLock<Option<Redactor>> = RwLock::new(None);

/// Redacts a secret in all later output.
pub(crate) fn learn(secret: &str) {
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    known.get_or_insert_default().learn(secret);
}

/// Redacts the secret parts of a URL: the password of a proxy, the path of a webhook.
pub(crate) fn learn_address(address: &str) {
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    known.get_or_insert_default().learn_address(address);
}

/// Redacts the login in a server's URL: its password, or its query.
pub(crate) fn learn_login(address: &str) {
    split_login(address).1.iter().for_each(|secret| learn(secret));
}

/// Redacts the secrets of the proxies in the environment.
pub(crate) fn learn_proxies() {
    for proxy in PROXIES.iter().filter_map(|name| env::var(name).ok()) {
        learn_address(&proxy);
    }
}

/// The text on one line, without secrets and terminal escapes.
pub(crate) fn clean(text: &str) -> String {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    let by_looks = Redactor::new();
    Untrusted::from(known.as_ref().unwrap_or(&by_looks).redact(text)).to_string()
}

/// Whether the text contains a secret, or something that looks like one.
pub(crate) fn is_in(text: &str) -> bool {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    let by_looks = Redactor::new();
    known.as_ref().unwrap_or(&by_looks).redact(text) != text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learned_secrets_are_redacted_in_every_spelling() {
        learn("c4n4ry-c4n4ry");
        for text in ["c4n4ry-c4n4ry", "C4N4RY-C4N4RY", "c4n4ry%2Dc4n4ry", "YzRuNHJ5LWM0bjRyeQ=="] {
            assert_eq!(clean(&format!("<{text}>\u{1b}\n")).replace("==", ""), "<***>\\u{1b}\\n", "{text}");
        }
        learn_address("http://me:pr0xy-p4ss@proxy.example:3128");
        assert_eq!(clean("<pr0xy-p4ss> <bWU6cHIweHktcDRzcw==>"), "<***> <***==>");
        learn_address("https://hook.example/s3cr3t-p4th?a=1");
        assert_eq!(clean("hook.example/s3cr3t-p4th?a=1"), "hook.example/***");
        assert_eq!(clean("?q-signature=0123456789abcdef&a=1"), "?q-signature=***&a=1");
    }
}
