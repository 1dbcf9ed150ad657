//! The API key, as a type that cannot be printed.

use std::{borrow::Cow, fmt, str::FromStr};

use runninghub_core::say;
use secrecy::{ExposeSecret, SecretString};

use crate::Error;

/// A shorter key is not masked in text: masking `a` would mask everything.
const SHORTEST_MASKED: usize = 8;

/// A RunningHub API key. It has neither `Display` nor `Serialize`, and its `Debug` hides it.
#[derive(Clone)]
pub struct ApiKey(SecretString);

impl ApiKey {
    /// Creates a key; surrounding white space is dropped, since keys are pasted.
    ///
    /// Keys seen so far have 32 hexadecimal digits, but the format is the platform's choice and not checked.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) if the key is empty, or contains white space, control
    /// characters or characters beyond ASCII (they cannot be sent in a header).
    pub fn new(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Error::usage(say!("it is empty")).about(say!("API key")));
        }
        if !text.chars().all(|c| c.is_ascii_graphic()) {
            return Err(
                Error::usage(say!("it contains whitespace or unprintable characters")).about(say!("API key"))
            );
        }
        Ok(Self(text.into()))
    }

    /// The key's text: only for sending.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The text with every occurrence of the key masked.
    pub(crate) fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let key = self.expose();
        if key.len() < SHORTEST_MASKED || !text.contains(key) {
            text.into()
        } else {
            text.replace(key, "…").into()
        }
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

impl FromStr for ApiKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_trimmed_checked_and_hidden() {
        let key = ApiKey::new(" \tnot-hex-but-a-key\r\n").expect("a key");
        assert_eq!(key.expose(), "not-hex-but-a-key");
        assert_eq!(format!("{key:?}"), "ApiKey(…)");
        for bad in ["", " \n", "two words", "a\u{7f}b", "a\u{202e}b", "a\0b", "键"] {
            let error = ApiKey::new(bad).expect_err(bad);
            assert!(bad.trim().is_empty() || !error.to_string().contains(bad.trim()), "{error}");
        }
    }

    #[test]
    fn only_a_long_key_is_masked() {
        assert_eq!(ApiKey::new("0123456789").expect("a key").mask("<0123456789>"), "<…>");
        assert_eq!(ApiKey::new("a").expect("a key").mask("banana"), "banana");
    }
}
