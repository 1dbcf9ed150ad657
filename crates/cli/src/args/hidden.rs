//! Values that are secrets or contain one.

use std::fmt;

/// A URL that contains a password or a secret path. `Debug` does not show it.
#[derive(Clone)]
pub(crate) struct Hidden(String);

impl Hidden {
    /// The value, only for connecting.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Hidden {
    fn from(value: String) -> Self {
        Self(value)
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}
