//! Field names, as users write them.

use runninghub_core::{Sentence, say};

/// A field, and whether its values are the paths of files.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) is_file: bool,
}

impl Field {
    /// Reads `6.text`, `Prompt.text`, `6:text` or `prompt`. An `@` at the end marks the values as paths.
    ///
    /// # Errors
    /// The missing part.
    pub(crate) fn parse(written: &str) -> Result<Self, Sentence> {
        let written = written.trim();
        let (name, is_file) = match written.strip_suffix('@') {
            Some(name) => (name.trim_end(), true),
            None => (written, false),
        };
        if name.is_empty() {
            return Err(say!("the name of the field is missing"));
        }
        if name.chars().any(char::is_control) {
            return Err(say!("the name of the field has a control character"));
        }
        // A node in a subgraph is `57:8`, so only the last colon can separate the field.
        let name = match name.rsplit_once(':') {
            Some((node, field)) if !name.contains('.') => format!("{node}.{field}"),
            _ => name.to_owned(),
        };
        if name.starts_with('.') || name.ends_with('.') {
            return Err(say!("the node or the field is missing"));
        }
        Ok(Self { name, is_file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_read_in_every_spelling() {
        for (written, name, is_file) in [
            ("6.text", "6.text", false),
            (" 6:text ", "6.text", false),
            ("57:8.seed", "57:8.seed", false),
            ("57:8:seed", "57:8.seed", false),
            ("Prompt.text", "Prompt.text", false),
            ("正面.text", "正面.text", false),
            ("prompt", "prompt", false),
            ("10.image@", "10.image", true),
            ("10:image @", "10.image", true),
        ] {
            assert_eq!(Field::parse(written), Ok(Field { name: name.into(), is_file }), "{written}");
        }
        for wrong in ["", " ", "@", ".text", "6.", ":text", "6:", "a\u{7}b"] {
            assert!(Field::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
