//! JSON as Python writes it: frames and `promptTips` come from a Python server.

use std::io;

use serde::Serialize;
use serde_json::{Serializer, Value, ser::Formatter};

/// The output of Python's `json.dumps`: separators `", "` and `": "`, non-ASCII characters escaped.
pub(crate) fn python(value: &Value) -> String {
    let mut text = Vec::new();
    let written = value.serialize(&mut Serializer::with_formatter(&mut text, Python));
    debug_assert!(written.is_ok(), "a value in memory is always written");
    String::from_utf8_lossy(&text).into_owned()
}

struct Python;

impl Formatter for Python {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        for part in fragment.split_inclusive(|c: char| !c.is_ascii()) {
            let plain = part.trim_end_matches(|c: char| !c.is_ascii());
            writer.write_all(plain.as_bytes())?;
            for unit in part[plain.len()..].encode_utf16() {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_is_what_python_writes() {
        let value = json!({"a": [1, 2.0, null], "名": "x\"é🎉y", "b": {}});
        assert_eq!(python(&value), r#"{"a": [1, 2.0, null], "\u540d": "x\"\u00e9\ud83c\udf89y", "b": {}}"#);
    }
}
