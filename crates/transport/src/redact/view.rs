//! Decoded text with a map back to the original positions.

use std::ops::Range;

/// Bytes with their original positions.
pub(super) struct View {
    pub(super) bytes: Vec<u8>,
    /// The original start of each byte, and the end of the last one. `None` if the positions are unchanged.
    starts: Option<Vec<usize>>,
}

impl View {
    pub(super) fn new(text: &[u8]) -> Self {
        Self { bytes: text.to_vec(), starts: None }
    }

    /// Removes one layer of percent-encoding and JSON escapes; `None` if there is none.
    pub(super) fn decoded(&self) -> Option<Self> {
        if !self.bytes.iter().any(|byte| matches!(byte, b'%' | b'\\')) {
            return None;
        }
        let mut inner = Self { bytes: Vec::new(), starts: None };
        let mut starts = Vec::new();
        let mut at = 0;
        while let Some(rest) = self.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let (character, size) = unit(rest);
            let mut room = [0; 4];
            let bytes = match &character {
                Unit::Byte(byte) => std::slice::from_ref(byte),
                Unit::Char(char) => char.encode_utf8(&mut room).as_bytes(),
            };
            starts.extend(bytes.iter().map(|_| self.at(at)));
            inner.bytes.extend_from_slice(bytes);
            at += size;
        }
        starts.push(self.at(at));
        inner.starts = Some(starts);
        (inner.bytes != self.bytes).then_some(inner)
    }

    /// The original range of these bytes.
    pub(super) fn range(&self, bytes: Range<usize>) -> Range<usize> {
        self.at(bytes.start)..self.at(bytes.end)
    }

    fn at(&self, byte: usize) -> usize {
        match &self.starts {
            None => byte,
            Some(starts) => starts.get(byte).or(starts.last()).copied().unwrap_or_default(),
        }
    }
}

enum Unit {
    Byte(u8),
    Char(char),
}

/// The first unit of the text, and its length in bytes.
fn unit(text: &[u8]) -> (Unit, usize) {
    let plain = |byte, size| (Unit::Byte(byte), size);
    match *text {
        [b'%', a, b, ..] => match hex(&[a, b]) {
            Some(code) => plain(u8::try_from(code).unwrap_or_default(), 3),
            None => plain(b'%', 1),
        },
        [b'\\', b'u', a, b, c, d, ..] => match hex(&[a, b, c, d]).and_then(char::from_u32) {
            Some(char) => (Unit::Char(char), 6),
            None => plain(b'\\', 1),
        },
        // Python's escape for bytes.
        [b'\\', b'x', a, b, ..] => match hex(&[a, b]) {
            Some(code) => plain(u8::try_from(code).unwrap_or_default(), 4),
            None => plain(b'\\', 1),
        },
        [b'\\', b'n', ..] => plain(b'\n', 2),
        [b'\\', b'r', ..] => plain(b'\r', 2),
        [b'\\', b't', ..] => plain(b'\t', 2),
        [b'\\', b'b', ..] => plain(8, 2),
        [b'\\', b'f', ..] => plain(12, 2),
        [b'\\', byte @ (b'"' | b'\\' | b'/'), ..] => plain(byte, 2),
        [byte, ..] => plain(byte, 1),
        [] => plain(0, 1),
    }
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |code, digit| Some(code << 4 | char::from(*digit).to_digit(16)?))
}
