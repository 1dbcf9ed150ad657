//! Digests of files.

use std::{
    fmt::Write as _,
    io::{self, Read},
};

use sha2::Digest;

/// The buffer size, bytes.
const PIECE: usize = 128 << 10;

/// The digest of the rest of a file.
///
/// # Errors
/// When the file cannot be read.
pub fn digest<D: Digest>(file: &mut impl Read) -> io::Result<D> {
    let mut sum = D::new();
    let mut buffer = vec![0; PIECE];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(sum),
            Ok(count) => sum.update(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
