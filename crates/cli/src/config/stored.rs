//! The key in a profile, or the reference to it.

use runninghub::{KeyKind, Sentence, say};

use crate::{args::Hidden, exit::Error};

/// Where the profile's key is stored.
#[derive(Clone, Debug, Default)]
pub(crate) enum Stored {
    /// Nowhere.
    #[default]
    Nothing,
    /// In the file.
    File {
        /// The profile.
        profile: String,
        /// As stored, not validated.
        key: Hidden,
        /// Its kind, if `rhub login` learned it.
        kind: Option<KeyKind>,
    },
    /// In the system keyring.
    Keyring {
        /// The profile, which is also the name of the entry.
        profile: String,
        /// Its kind, if `rhub login` learned it.
        kind: Option<KeyKind>,
    },
}

impl Stored {
    /// Whether there is a key, valid or not.
    pub(crate) fn is_there(&self) -> bool {
        !matches!(self, Self::Nothing)
    }

    /// The kind of the key, if known.
    pub(crate) fn kind(&self) -> Option<KeyKind> {
        match self {
            Self::Nothing => None,
            Self::File { kind, .. } | Self::Keyring { kind, .. } => *kind,
        }
    }

    /// The key as stored, and where it is stored, for errors.
    ///
    /// # Errors
    /// If the keyring cannot be read.
    pub(crate) fn key(&self) -> Result<Option<(String, Sentence)>, Error> {
        Ok(match self {
            Self::Nothing => None,
            Self::File { profile, key, .. } => {
                Some((key.expose().to_owned(), say!("the profile `{profile}`", profile)))
            }
            Self::Keyring { profile, .. } => {
                Some((crate::keyring::read(profile)?, say!("the keyring entry `{profile}`", profile)))
            }
        })
    }
}
