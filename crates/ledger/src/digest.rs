//! Digests, which the ledger keeps instead of bodies, keys and secrets.

use std::{
    fmt,
    fmt::Write as _,
    fs::File,
    io::{self, BufRead as _, BufReader},
    path::Path,
    str::FromStr,
};

use runninghub_core::say;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};

use crate::{Error, ErrorKind};

/// Bytes in a fingerprint: enough to distinguish keys, too few to test guessed keys against.
const FINGERPRINT: usize = 4;

/// How much of a file is read at once, bytes.
const PIECE: usize = 128 << 10;

/// A SHA-256 digest. Shown and stored as 64 hexadecimal digits.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of some bytes.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest of a file's content.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn of_file(path: impl AsRef<Path>) -> io::Result<Self> {
        let mut sum = Sha256::new();
        let mut reader = BufReader::with_capacity(PIECE, File::open(path)?);
        loop {
            let piece = reader.fill_buf()?;
            if piece.is_empty() {
                return Ok(Self(sum.finalize().into()));
            }
            sum.update(piece);
            let count = piece.len();
            reader.consume(count);
        }
    }

    /// Creates a digest from bytes computed elsewhere.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::new(ErrorKind::Corrupt, say!("a digest must have 64 hexadecimal digits"));
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let mut bytes = [0; 32];
        let pairs = text.as_bytes().chunks(2);
        if text.len() != 64 {
            return Err(wrong());
        }
        for (byte, pair) in bytes.iter_mut().zip(pairs) {
            let [high, low] = pair else { return Err(wrong()) };
            *byte = digit(*high).zip(digit(*low)).map(|(high, low)| high * 16 + low).ok_or_else(wrong)?;
        }
        Ok(Self(bytes))
    }
}

/// A random 128-bit secret for the URL of one submit's webhook. Only its digest is kept.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Creates a random secret.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if the system provides no random numbers.
    pub fn random() -> Result<Self, Error> {
        random::<16>().map(|bytes| Self(hex(&bytes)))
    }

    /// The secret itself, 32 hexadecimal digits: use it only in the URL.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The digest that is stored.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

impl FromStr for Secret {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() == 32 && text.bytes().all(is_digit) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::new(ErrorKind::NotFound, say!("a secret must have 32 hexadecimal digits")))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Random bytes of one ledger, which make the fingerprints of a key differ between ledgers.
#[derive(Clone, Copy, Debug)]
pub struct Salt([u8; 16]);

impl Salt {
    /// Creates the salt of a new ledger, which must store it.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if the system provides no random numbers.
    pub fn random() -> Result<Self, Error> {
        random().map(Self)
    }

    /// Restores the salt of an existing ledger.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes that a ledger stores.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Eight hexadecimal digits that distinguish this key from others and reveal nothing else about it.
    pub fn fingerprint(&self, key: &str) -> String {
        let digest: [u8; 32] = Sha256::new().chain_update(self.0).chain_update(key).finalize().into();
        hex(digest.get(..FINGERPRINT).unwrap_or_default())
    }
}

/// Random bytes from the system, suitable for secrets.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(ErrorKind::Store, say!("the system provides no random numbers")).with_source(error)
    })?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_read_as_it_is_shown() {
        let digest = Digest::of("a cat");
        assert_eq!(digest.to_string().parse::<Digest>().expect("our own"), digest);
        assert_eq!(format!("{digest:?}"), format!("Digest({digest})"));
        for bad in ["", "00", &"g".repeat(64), &"é".repeat(32)] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let secret = Secret::random().expect("random");
        assert_eq!((secret.expose().len(), format!("{secret:?}").as_str()), (32, "Secret(…)"));
        assert_eq!(secret.expose().parse::<Secret>().expect("our own").digest(), secret.digest());
        for bad in ["", "00", &"g".repeat(32), &"A".repeat(32), &"a".repeat(33)] {
            assert!(bad.parse::<Secret>().is_err(), "{bad}");
        }
        let (one, two) = (Salt([1; 16]), Salt([2; 16]));
        assert_eq!(one.fingerprint("key"), one.fingerprint("key"));
        assert_ne!(one.fingerprint("key"), two.fingerprint("key"));
        assert_eq!(one.fingerprint("key").len(), 8);
    }
}
