//! The key that a profile has, or points to.

use runninghub::KeyKind;

use crate::{args::Hidden, exit::Error};

/// Where the profile has its key.
#[derive(Clone, Debug, Default)]
pub(crate) enum Stored {
    /// Nowhere.
    #[default]
    Nothing,
    /// In the file.
    File {
        /// The profile.
        profile: String,
        /// As it stands there.
        key: Hidden,
        /// Its kind, where `rhub login` was told.
        kind: Option<KeyKind>,
    },
    /// In the keyring of the system.
    Keyring {
        /// The profile, and the key's name there.
        profile: String,
        /// Its kind, where `rhub login` was told.
        kind: Option<KeyKind>,
    },
}

impl Stored {
    /// Whether there is one, good or bad.
    pub(crate) fn is_there(&self) -> bool {
        !matches!(self, Self::Nothing)
    }

    /// Of what kind it is, as far as that is known.
    pub(crate) fn kind(&self) -> Option<KeyKind> {
        match self {
            Self::Nothing => None,
            Self::File { kind, .. } | Self::Keyring { kind, .. } => *kind,
        }
    }

    /// The key as it was stored, and where that is, for an error.
    ///
    /// # Errors
    /// When the keyring does not give it out.
    pub(crate) fn key(&self) -> Result<Option<(String, String)>, Error> {
        Ok(match self {
            Self::Nothing => None,
            Self::File { profile, key, .. } => {
                Some((key.expose().to_owned(), format!("the profile `{profile}`")))
            }
            Self::Keyring { profile, .. } => {
                Some((crate::keyring::read(profile)?, format!("the keyring's entry `{profile}`")))
            }
        })
    }
}
