//! Decodes the bytes of a file.

use encoding_rs::{Encoding, GB18030, UTF_16BE, UTF_16LE};
use runninghub_core::{Sentence, say};

use crate::{At, Problem};

/// The text of a file: UTF-8 with or without a byte order mark, or UTF-16 with one.
///
/// # Errors
/// Another encoding, or not text; the fix says how to save it.
pub(super) fn decode(bytes: &[u8]) -> Result<String, Problem> {
    if bytes.starts_with(b"PK\x03\x04") {
        let what = say!("the file is a spreadsheet or a zip archive, not text");
        return Err(Problem::source(what).cure(say!("save the spreadsheet as CSV UTF-8")));
    }
    let text = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest)?,
        [0xff, 0xfe, rest @ ..] => utf16(UTF_16LE, rest)?,
        [0xfe, 0xff, rest @ ..] => utf16(UTF_16BE, rest)?,
        bytes => utf8(bytes)?,
    };
    match text.split_once('\0') {
        None => Ok(text),
        // Every second byte of Latin text in UTF-16 is NUL.
        Some(_) if text.bytes().filter(|byte| *byte == 0).count() > text.len() / 4 => {
            let what = say!("the file looks like UTF-16 without its byte order mark");
            Err(Problem::source(what).cure(save_as()))
        }
        Some((before, _)) => {
            let cure = say!("delete it; text cannot contain NUL bytes");
            Err(Problem::new(line(before.as_bytes()), say!("the text has a NUL byte")).cure(cure))
        }
    }
}

fn utf8(bytes: &[u8]) -> Result<String, Problem> {
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(text.to_owned()),
        Err(error) => error,
    };
    let chinese = GB18030.decode_without_bom_handling_and_without_replacement(bytes);
    if chinese.is_some_and(|text| is_chinese(&text)) {
        let what = say!("the file is encoded in GB18030 (GBK), not in UTF-8");
        return Err(Problem::source(what).cure(save_as()));
    }
    let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
    let byte = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
    let what = say!("the file is not UTF-8: it contains the byte {byte}", byte = format!("0x{byte:02X}"));
    Err(Problem::new(line(before), what).cure(save_as()))
}

fn utf16(encoding: &'static Encoding, bytes: &[u8]) -> Result<String, Problem> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    text.map(std::borrow::Cow::into_owned).ok_or_else(|| {
        let what = say!("the file begins like UTF-16 but is not valid UTF-16");
        Problem::source(what).cure(save_as())
    })
}

fn save_as() -> Sentence {
    say!("save the file as UTF-8; in Excel and WPS the format is called CSV UTF-8")
}

/// Whether most characters beyond ASCII are Chinese. Bytes of another encoding are rarely valid GB18030, and then give
/// rare characters.
fn is_chinese(text: &str) -> bool {
    let beyond = text.chars().filter(|c| !c.is_ascii());
    let (mut all, mut common) = (0_usize, 0_usize);
    for character in beyond {
        all += 1;
        common += usize::from(is_common(character));
    }
    2 * common > all
}

/// Chinese characters that GB 2312 has, with its punctuation and full-width forms.
fn is_common(character: char) -> bool {
    if matches!(character, '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ffef}' | '\u{2010}'..='\u{2026}') {
        return true;
    }
    let mut buffer = [0; 4];
    let (bytes, _, failed) = GB18030.encode(character.encode_utf8(&mut buffer));
    !failed && matches!(*bytes, [0xb0..=0xf7, 0xa1..=0xfe])
}

/// The number of the line after a text.
fn line(before: &[u8]) -> At {
    At::Line((1..).zip(before.split(|byte| *byte == b'\n')).last().map_or(1, |(number, _)| number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16_bytes(text: &str, mark: [u8; 2], bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        mark.into_iter().chain(text.encode_utf16().flat_map(bytes)).collect()
    }

    #[test]
    fn utf8_and_utf16_are_read() {
        let text = "6.text\n一只猫 😀\n";
        assert_eq!(decode(text.as_bytes()).as_deref(), Ok(text));
        assert_eq!(decode(&[b"\xef\xbb\xbf", text.as_bytes()].concat()).as_deref(), Ok(text));
        assert_eq!(decode(&utf16_bytes(text, [0xff, 0xfe], u16::to_le_bytes)).as_deref(), Ok(text));
        assert_eq!(decode(&utf16_bytes(text, [0xfe, 0xff], u16::to_be_bytes)).as_deref(), Ok(text));
        assert_eq!(decode(b"").as_deref(), Ok(""));
    }

    #[test]
    fn other_encodings_are_named_with_a_cure() {
        let (gbk, _, _) = GB18030.encode("6.text\n一只猫，在雨中\n");
        let (latin, _, _) = encoding_rs::WINDOWS_1252.encode("6.text\nun été à Paris\n");
        let bare: Vec<u8> = "6.text\ncat\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (bytes, says) in [
            (&*gbk, "the file is encoded in GB18030 (GBK), not in UTF-8"),
            (&*latin, "line 2: the file is not UTF-8: it contains the byte 0xE9"),
            (&*bare, "the file looks like UTF-16 without its byte order mark"),
            (b"\xff\xfea", "the file begins like UTF-16 but is not valid UTF-16"),
            (b"PK\x03\x04xl/worksheets", "the file is a spreadsheet or a zip archive, not text"),
            (b"6.text\na long text\na\0b\n", "line 3: the text has a NUL byte"),
        ] {
            let problem = decode(bytes).expect_err(says);
            assert_eq!(problem.to_string(), says);
            assert!(problem.cure.is_some());
        }
    }
}
