//! The kinds of keys, and their permissions.

use std::fmt;

use runninghub_core::{Fact, Sentence, say};

/// The kind of a key, from `apiKeyType` or `apiType`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum KeyKind {
    /// A consumer key: pays with coins, runs workflows and apps, cannot call models (code 1014).
    Normal,
    /// An enterprise key on shared machines: pays per second from the wallet, and can also call models.
    Shared,
    /// An enterprise key on rented machines. Possible errors: no rented machine is free (415), none is rented in
    /// that size (435), or the rental has expired (436). Only this kind can use the personal queue, of at most 1000
    /// tasks (814).
    Exclusive,
    /// A kind that this version does not know.
    Other,
}

impl KeyKind {
    /// Parses the platform's name, ignoring case.
    pub fn of(text: &str) -> Self {
        match text.to_ascii_uppercase().as_str() {
            "NORMAL" => Self::Normal,
            "SHARED" => Self::Shared,
            "EXCLUSIVE" => Self::Exclusive,
            _ => Self::Other,
        }
    }

    /// Whether it can call the models of the Standard Model API.
    pub fn may_call_models(self) -> bool {
        !matches!(self, Self::Normal)
    }

    /// Whether it can use the personal queue.
    pub fn has_personal_queue(self) -> bool {
        matches!(self, Self::Exclusive | Self::Other)
    }

    /// A short description of its permissions.
    pub fn meaning(self) -> Sentence {
        match self {
            Self::Normal => say!("consumer key: pays with coins; runs workflows and AI apps, but no models"),
            Self::Shared => say!("enterprise key: pays from the wallet; runs workflows, AI apps and models"),
            Self::Exclusive => {
                say!(
                    "enterprise key for rented machines: only the rented instance types, with a personal queue"
                )
            }
            Self::Other => say!("a kind that this version does not recognize"),
        }
    }
}

impl From<KeyKind> for Fact {
    fn from(kind: KeyKind) -> Self {
        kind.meaning().into()
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.meaning().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_read_in_any_case() {
        let kinds = ["normal", "SHARED", "Exclusive", "GOLD", ""].map(KeyKind::of);
        assert_eq!(
            kinds,
            [KeyKind::Normal, KeyKind::Shared, KeyKind::Exclusive, KeyKind::Other, KeyKind::Other]
        );
        assert_eq!(kinds.map(KeyKind::may_call_models), [false, true, true, true, true]);
        assert_eq!(kinds.map(KeyKind::has_personal_queue), [false, false, true, true, true]);
    }
}
