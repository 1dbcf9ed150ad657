//! Input files: checks that they exist, and reads text in the encodings that users and programs write.

use std::{fs, io, path::Path};

use runninghub::{Sentence, say};

use crate::exit::Error;

/// Detects a missing file before anything is sent.
///
/// # Errors
/// If the file doesn't exist.
pub(crate) fn is_there(path: &Path) -> Result<(), Error> {
    if path.is_file() {
        return Ok(());
    }
    let path = path.display();
    Err(Error::usage(say!("file {path} not found", path)).hint(say!("nothing was sent")))
}

/// Reads a text: UTF-8, or UTF-16 with a byte order mark as PowerShell writes it, or without. The mark is dropped.
///
/// # Errors
/// The reason if it cannot be read.
pub(crate) fn read(path: &Path) -> Result<String, Sentence> {
    text(&fs::read(path).map_err(|error: io::Error| Sentence::verbatim(error.to_string()))?)
}

/// Reads the text of a file: see [`read`].
///
/// # Errors
/// When it is in another encoding.
pub(crate) fn text(bytes: &[u8]) -> Result<String, Sentence> {
    decode(bytes).ok_or_else(|| say!("it is neither UTF-8 nor UTF-16: save it as UTF-8"))
}

fn decode(bytes: &[u8]) -> Option<String> {
    let wide = |bytes: &[u8], read: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks();
        let text = char::decode_utf16(pairs.iter().map(|pair| read(*pair))).collect::<Result<String, _>>();
        text.ok().filter(|_| rest.is_empty())
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        // What is read here begins with a sign of ASCII, or isn't UTF-16.
        [1..=0x7f, 0, ..] => wide(bytes, u16::from_le_bytes),
        [0, 1..=0x7f, ..] => wide(bytes, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
        _ => String::from_utf8(bytes.to_vec()).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unicode_encoding_is_read() {
        let text = "{\"6\": \"猫 🐈\"}";
        let wide = |mark: &[u8], write: fn(u16) -> [u8; 2]| {
            mark.iter().copied().chain(text.encode_utf16().flat_map(write)).collect::<Vec<u8>>()
        };
        for bytes in [
            text.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            wide(b"\xff\xfe", u16::to_le_bytes),
            wide(b"\xfe\xff", u16::to_be_bytes),
            wide(b"", u16::to_le_bytes),
            wide(b"", u16::to_be_bytes),
        ] {
            assert_eq!(decode(&bytes).as_deref(), Some(text));
        }
        // GBK, an odd number of bytes, half a surrogate pair.
        for bytes in [&b"\xc3\xa8"[..1], b"\xff\xfea\0b", b"\xff\xfe\x3d\xd8"] {
            assert_eq!(decode(bytes), None, "{bytes:?}");
        }
    }
}
