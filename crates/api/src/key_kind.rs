//! The kinds of keys, and what each may do.

use std::fmt;

/// What kind a key is, as `apiKeyType` or `apiType` names it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum KeyKind {
    /// A consumer's key: pays with coins, runs workflows and apps, calls no models (code 1014).
    Normal,
    /// An enterprise key on shared machines: pays with the wallet's money for each second, calls models too.
    Shared,
    /// An enterprise key on rented machines, of which none may be free (415), rented in that size (435) or rented any
    /// longer (436). It alone can use the personal queue, of at most 1000 tasks (814).
    Exclusive,
    /// One that this version does not know.
    Other,
}

impl KeyKind {
    /// Reads the platform's word for it, in any case.
    pub fn of(text: &str) -> Self {
        match text.to_ascii_uppercase().as_str() {
            "NORMAL" => Self::Normal,
            "SHARED" => Self::Shared,
            "EXCLUSIVE" => Self::Exclusive,
            _ => Self::Other,
        }
    }

    /// Whether it may call the models of the Standard Model API.
    pub fn may_call_models(self) -> bool {
        !matches!(self, Self::Normal)
    }

    /// Whether it may wait in the personal queue.
    pub fn has_personal_queue(self) -> bool {
        matches!(self, Self::Exclusive | Self::Other)
    }

    /// What it may do, in a few words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Normal => "consumer key: pays with coins; workflows and AI apps, no model calls",
            Self::Shared => "enterprise key: pays from the wallet; workflows, AI apps and models",
            Self::Exclusive => {
                "enterprise key on rented machines: only the sizes that are rented, and a personal queue"
            }
            Self::Other => "a kind that this version does not know",
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.meaning())
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
